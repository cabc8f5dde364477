"""Words and their numbers: what rows say over and over is kept once, in the table `names`."""

from sqlalchemy import Connection, insert, select

from bot_runtime.journal.tables import names


class InternedNames:
    """The words of one journal, as far as they were asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}
        self._words: dict[int, str] = {}

    def forget(self) -> None:
        """Forget what a transaction that was undone may have added."""
        self._ids.clear()
        self._words.clear()

    def find(self, word: str) -> int | None:
        """Return a word's number; None where the journal does not have it."""
        found = self._ids.get(word)
        if found is None:
            found = self._connection.scalar(select(names.c.id).where(names.c.name == word))
            if found is not None:
                self._remember(found, word)
        return found

    def add(self, word: str) -> int:
        """Return a word's number; a new word is added in the transaction that is under way."""
        found = self.find(word)
        if found is None:
            (found,) = self._connection.execute(
                insert(names).values(name=word).returning(names.c.id)
            ).one()
            self._remember(found, word)
        return found

    def word(self, number: int) -> str:
        """Return the word of a number that a row has."""
        if number not in self._words:
            query = select(names.c.name).where(names.c.id == number)
            self._remember(number, self._connection.execute(query).scalar_one())
        return self._words[number]

    def _remember(self, number: int, word: str) -> None:
        self._ids[word] = number
        self._words[number] = word
