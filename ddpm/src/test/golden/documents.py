"""The classes and functions of documents, executed as they stand there.

Code is what stands between ```python and ```, or what a cell "In [n]:" begins with. Of it only imports, classes and functions are executed, and the assignments that are asked for.
Repairs: imports of plotting and test modules and of fancy_einsum are dropped, whose einsum, with words in the place of
letters, is torch.einsum's below; nothing is printed.
"""

import ast
import re

import torch

DROPPED = ("matplotlib", "tests", "fancy_einsum", "torchvision", "w3d4")


def einsum(equation, *operands):
    """torch.einsum with words for letters: "batch head seq_q size, batch head seq_k size -> batch head seq_q seq_k"."""
    letters = {}
    short = re.sub(r"\w+", lambda word: letters.setdefault(word[0], chr(ord("a") + len(letters))), equation)
    return torch.einsum(short.replace(" ", ""), *operands)


def is_dropped(node):
    if isinstance(node, ast.Import):
        return any(alias.name.startswith(DROPPED) for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module.startswith(DROPPED)


class Renumber(ast.NodeTransformer):
    """Gives variables other values where they are assigned: out_dim = 3 becomes out_dim = 1."""

    def __init__(self, constants):
        self.constants = constants
        self.missing = set(constants)

    def visit_Assign(self, node):
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else None
        if name in self.constants:
            self.missing.discard(name)
            node.value = ast.parse(self.constants[name], mode="eval").body
        return node


def blocks(text):
    """The syntax trees of the document's pieces of code."""
    fenced = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for block in fenced or re.split(r"^In \[\d+\]:\n", text, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        for end in range(len(lines), 0, -1):  # text, or what a shell printed, may follow the code
            try:
                yield ast.parse("\n".join(lines[:end]))
                break
            except SyntaxError:
                pass


def load(path, variables=(), constants=None):
    """The globals after the document's imports, classes, functions and assignments to `variables`.

    `constants` has source text for what is assigned to the variables of those names instead, in functions too.
    """
    names = {"einsum": einsum, "print": lambda *_: None}
    renumber = Renumber(constants or {})
    for tree in blocks(path.read_text()):
        kept = []
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                kept.append(renumber.visit(node))
            elif isinstance(node, (ast.Import, ast.ImportFrom)) and not is_dropped(node):
                kept.append(node)
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in variables:
                kept.append(renumber.visit(node))
        module = ast.fix_missing_locations(ast.Module(body=kept, type_ignores=[]))
        exec(compile(module, str(path), "exec"), names)
    missing = renumber.missing | {name for name in variables if name not in names}
    if missing:
        raise SystemExit(f"{path}: no assignment to {', '.join(sorted(missing))}: is it the right document?")
    return names


def find(folder, number):
    """The document NUMBER_*.txt of a folder."""
    found = sorted(folder.glob(f"{number}_*.txt"))
    if len(found) != 1:
        raise SystemExit(f"{folder}: expected one file {number}_*.txt, found {len(found)}")
    return found[0]
