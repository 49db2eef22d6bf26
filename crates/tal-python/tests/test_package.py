"""The package as a whole: stubs, docstrings, import time, modules that stand in for others."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tal
import tal._tal as compiled
import tal.compat

STUB = Path(tal.__file__).with_name("_tal.pyi")


def test_stub_and_module_have_the_same_names_and_arguments():
    tree = ast.parse(STUB.read_text(encoding="utf8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    public = {name for name in dir(compiled) if not name.startswith("_")}
    assert public == set(functions) | set(classes)
    for name, node in functions.items():
        assert arguments(node) == list(inspect.signature(getattr(compiled, name)).parameters), name
    for name, node in classes.items():
        written = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
        kind = getattr(compiled, name)
        members = {member for member in vars(kind) if not member.startswith("__")} | {"__len__"}
        assert members == set(written), name
        for member in ("of", "build"):
            assert arguments(written[member]) == list(inspect.signature(getattr(kind, member)).parameters)


def arguments(node):
    named = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    return named + ([node.args.kwarg.arg] if node.args.kwarg else [])


def test_everything_public_has_a_docstring_and_is_listed():
    modules = [tal] + [importlib.import_module(info.name) for info in pkgutil.walk_packages(tal.__path__, "tal.")]
    for module in modules:
        if module.__name__.rpartition(".")[2].startswith("_") and module is not compiled:
            continue
        assert module.__doc__ or module is compiled, module.__name__
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isroutine(value) or inspect.isclass(value):
                assert value.__doc__, f"{module.__name__}.{name}"


def test_import_needs_neither_pandas_nor_torch():
    code = "import sys, tal, tal.compat, tal.data, tal.measures; print(sorted({'pandas', 'polars', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf8")
    assert done.stdout.strip() == "[]"


def test_the_extension_of_actionformer_is_ours(monkeypatch):
    monkeypatch.delitem(sys.modules, "nms_1d_cpu", raising=False)
    metrics = type(sys)("libs.utils.metrics")
    monkeypatch.setitem(sys.modules, "libs.utils.metrics", metrics)
    tal.compat.install_as_actionformer()
    assert importlib.import_module("nms_1d_cpu") is tal.compat.nms_1d_cpu
    assert metrics.ANETdetection is tal.compat.ANETdetection
    monkeypatch.delitem(sys.modules, "nms_1d_cpu")


def test_the_evaluators_of_opentad_are_ours(monkeypatch):
    class Registry:
        known = {}

        def register_module(self, module, force):
            assert force
            self.known[module.__name__] = module

    monkeypatch.delitem(sys.modules, "opentad.evaluations.builder", raising=False)
    assert tal.compat.install_as_opentad() is False
    builder = type(sys)("opentad.evaluations.builder")
    builder.EVALUATORS = Registry()
    monkeypatch.setitem(sys.modules, "opentad.evaluations.builder", builder)
    assert tal.compat.install_as_opentad() is True
    assert Registry.known == {"mAP": tal.compat.mAP, "Recall": tal.compat.Recall, "mAP_EPIC": tal.compat.mAP_EPIC}
    monkeypatch.delitem(sys.modules, "nms_1d_cpu")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="nothing"):
        tal.nothing
