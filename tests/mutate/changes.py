"""Single changes to a file of Python: a comparison turned round, a number one larger, a statement left out."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.exception_replacer import ExceptionReplacer
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

# These need arguments that only a person can give.
LEFT_OUT = ('VariableReplacer', 'VariableInserter')


class StatementRemover(Operator):
    """Leaves out a statement that is a call or an assignment to what is not a plain name."""

    def mutation_positions(self, node):
        if node.type == 'simple_stmt' and _acts(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        statement = node.children[0]
        node.children[0] = parso.python.tree.Name('pass', statement.start_pos, prefix=_prefix(statement))
        return node

    @classmethod
    def examples(cls):
        return ()


class ReturnNothing(Operator):
    """Returns None in place of a value."""

    def mutation_positions(self, node):
        if node.type == 'return_stmt' and len(node.children) == 2:
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.children[1] = parso.python.tree.Name('None', node.children[1].start_pos, prefix=' ')
        return node

    @classmethod
    def examples(cls):
        return ()


class PlainExceptionReplacer(ExceptionReplacer):
    """Catches another exception, where it is named by a plain name: cosmic-ray's own stops at ``module.Error``."""

    @staticmethod
    def _name_nodes(node):
        caught = node.children[1]
        if isinstance(caught, parso.python.tree.Name):
            return (caught,)
        inside = caught.children[1] if caught.type == 'atom' else None
        listed = inside.children if inside is not None and inside.type == 'testlist_comp' else [inside]
        return tuple(name for name in listed if isinstance(name, parso.python.tree.Name))


def _acts(statement):
    if statement.type == 'expr_stmt':
        return statement.children[0].type != 'name'
    return statement.type in ('atom_expr', 'power') and statement.children[-1].type == 'trailer'


def _prefix(node):
    return node.get_first_leaf().prefix


@dataclass(frozen=True)
class Change:
    """One change: to which file, by which operator, at its how manieth place, on which line."""

    path: str
    operator: str
    occurrence: int
    line: int

    def apply(self, source: str) -> str | None:
        """The source with the change, or None where the change makes no difference."""
        changed = mutate_code(source, _OPERATORS[self.operator](), self.occurrence)
        return None if changed is None or changed == source else changed


def _operators():
    provider = OperatorProvider()
    found = {name: provider[name] for name in provider if name not in LEFT_OUT}
    replacer = next(name for name in found if name.endswith('ExceptionReplacer'))
    found.update({'StatementRemover': StatementRemover, 'ReturnNothing': ReturnNothing,
                  replacer: PlainExceptionReplacer})
    return found


_OPERATORS = _operators()


def changes_of(root: Path, path: str) -> Iterator[Change]:
    """All the changes that can be made to the code of a file; its documentation is left alone."""
    tree = parso.parse((root / path).read_text())
    nodes = list(ast_nodes(tree))
    for name, operator in _OPERATORS.items():
        occurrence, positions = 0, operator().mutation_positions
        for node in nodes:
            for (line, _column), _end in positions(node):
                yield Change(path, name, occurrence, line)
                occurrence += 1


def draw(changes: list[Change], count: int, seed: int) -> list[Change]:
    """``count`` of the changes, each place of a file as likely as another, whatever may be done to it."""
    places: dict[tuple, list[Change]] = {}
    for change in changes:
        places.setdefault((change.path, change.operator.partition('_')[0], change.line), []).append(change)
    chance = random.Random(seed)
    chosen = chance.sample(sorted(places), min(count, len(places)))
    return [chance.choice(places[place]) for place in chosen]
