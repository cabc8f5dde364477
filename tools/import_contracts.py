"""A kind of import-linter contract: a package may import only what is listed.

import-linter's own kinds name what is forbidden; for the contract package and the test exchange
the short list is what is allowed.
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
        for importer, imported in check.metadata["illegal"]:
            output.print_error(f"{importer} imports {imported}", bold=False)
