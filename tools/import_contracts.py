"""Two kinds of import-linter contract: what a package may import, and who may import a library.

import-linter's own kinds name what is forbidden. For the contract package and the test exchange the
short list is what is allowed; for a heavy library it is the room that imports it.
"""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowedContract(Contract):
    """The modules of `source` import the standard library, themselves, and `allowed`, no more."""

    type_name = "allowed"

    source = fields.StringField()
    allowed = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001, ARG002 - the signature is import-linter's
        """Return the direct imports that are not allowed."""
        source = cast("str", self.source)
        allowed = (source, *cast("set[str]", self.allowed), *sys.stdlib_module_names)
        illegal = [
            (importer, imported)
            for importer in sorted({source, *graph.find_descendants(source)})
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not any(f"{imported}.".startswith(f"{name}.") for name in allowed)
        ]
        return ContractCheck(kept=not illegal, metadata={"illegal": illegal})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that broke the contract."""
        _print_illegal(check)


class HomeContract(Contract):
    """The modules of `homes` import the `libraries`, and no other module of the tree does."""

    type_name = "home"

    homes = fields.SetField(subfield=fields.StringField())
    libraries = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001, ARG002 - the signature is import-linter's
        """Return the direct imports from elsewhere."""
        homes = cast("set[str]", self.homes)
        illegal = [
            (importer, library)
            for library in sorted(cast("set[str]", self.libraries))
            if library in graph.modules
            for importer in sorted(graph.find_modules_that_directly_import(library))
            if not any(f"{importer}.".startswith(f"{home}.") for home in homes)
        ]
        return ContractCheck(kept=not illegal, metadata={"illegal": illegal})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that broke the contract."""
        _print_illegal(check)


def _print_illegal(check: ContractCheck) -> None:
    for importer, imported in check.metadata["illegal"]:
        output.print_error(f"{importer} imports {imported}", bold=False)
