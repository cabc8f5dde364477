"""What pydantic refuses, told in the words of YAML: it knows no tuples, no classes and no None."""

import json
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot_runtime.contract.scrub import scrub

_FOUND_MAX: Final = 60
_IN_YAML: Final = {
    "bool_parsing": "Input should be true or false",
    "bool_type": "Input should be true or false",
    "dict_type": "Input should be a mapping",
    "extra_forbidden": "is not a field of the contract",
    "invalid_key": "Keys should be text: write them in quotes",
    "list_type": "Input should be a list",
    "missing": "is missing",
    "model_attributes_type": "Input should be a mapping",
    "model_type": "Input should be a mapping",
    "string_type": "Input should be text: write it in quotes",
    "too_long": "Input should have at most {max_length} {entries}",
    "too_short": "Input should have at least {min_length} {entries}",
    "tuple_type": "Input should be a list",
    "union_tag_invalid": "{discriminator} should be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is missing",
    "value_error": "{error}",
}
"""By the type of pydantic's error, where its own words are Python's; braces name its context."""
_REMEDIES: Final = {"missing": "add it", "extra_forbidden": "remove it or mend its spelling"}


def explain(error: ValidationError, *, prefix: str = "", at_most: int = 4) -> str:
    """Return what pydantic found, as `field: found value; what is accepted`, without secrets.

    `prefix` is the path of what was validated. Problems beyond `at_most` are counted.
    """
    problems = error.errors(include_url=False)
    told = [_explain_one(problem, prefix) for problem in problems[:at_most]]
    more = len(problems) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def explain_first(error: ValidationError, *, whole: str) -> str:
    """Return the first of what pydantic found, without the value: `field: what is accepted`.

    `whole` stands for the field where all of it is wrong.
    """
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{_field(problem, '') or whole}: {wanted(problem)}"


def wanted(problem: ErrorDetails) -> str:
    """Return what pydantic asks for."""
    template = _IN_YAML.get(problem["type"])
    if template is None:
        return problem["msg"]
    context = problem.get("ctx", {})
    size = context.get("min_length", context.get("max_length"))
    return template.format(**context, entries="entry" if size == 1 else "entries")


def shown(value: Any) -> str:
    """Return a value as YAML has it, at most 60 characters, without secrets."""
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(_shown_inside, value[:_FOUND_MAX]))}]"
    else:
        text = _shown_inside(value)
    text = scrub(text)
    return text if len(text) <= _FOUND_MAX else f"{text[: _FOUND_MAX - 3]}..."


def _shown_inside(value: Any) -> str:
    """Return a scalar; of a list or mapping only its kind, for aliases can make it endless."""
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list | tuple):
        return "[...]" if value else "[]"
    return json.dumps(value, default=str)


def _explain_one(problem: ErrorDetails, prefix: str) -> str:
    field = _field(problem, prefix) or "file"
    words = wanted(problem)
    if problem["type"] in _REMEDIES:
        return f"{field}: {words}; {_REMEDIES[problem['type']]}"
    if problem["type"] == "json_invalid" or isinstance(problem["input"], dict):
        return f"{field}: {words}"
    return f"{field}: found {shown(problem['input'])}; {words[0].lower()}{words[1:]}"


def _field(problem: ErrorDetails, prefix: str) -> str:
    path = ".".join(filter(None, (prefix, *map(str, problem["loc"]))))
    named = problem.get("ctx", {}).get("field", "") if problem["type"] == "rule" else ""
    return f"{path}{named}".removeprefix(".")
