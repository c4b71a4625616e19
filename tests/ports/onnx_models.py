"""Tiny text models in ONNX folders, made when a test needs them; their tokenizer is MiniLM's."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from kit.adapters.minilm import _TOKENIZER

_WORDS = 30_522
_OPSET, _IR = 17, 10


def sentence_model(folder: Path, dimensions: int = 48, outputs: str = "last_hidden_state") -> Path:
    """A model whose token vectors are random directions, the same for the same word; it takes no types of tokens, as some do not."""
    table = np.random.default_rng(7).standard_normal((_WORDS, dimensions)).astype(np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], [outputs])]
    return _folder(folder, nodes, {"table": table}, ["input_ids", "attention_mask"], (outputs, ["b", "n", dimensions]))


def pooled_model(folder: Path) -> Path:
    """A model that gives one vector for all tokens, which is no sentence model of ours."""
    table = np.ones((_WORDS, 4), np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("ReduceMean", ["states"], ["pooled"], axes=[1], keepdims=0),
    ]
    return _folder(folder, nodes, {"table": table}, ["input_ids", "attention_mask"], ("pooled", ["b", 4]))


def cross_encoder(folder: Path, classes: int = 1) -> Path:
    """A model whose score is how many pairs of equal tokens a question and a text have: one logit, or that as the last of several."""
    nodes = [
        helper.make_node("Unsqueeze", ["input_ids", "two"], ["as_column"]),
        helper.make_node("Unsqueeze", ["input_ids", "one"], ["as_row"]),
        helper.make_node("Equal", ["as_column", "as_row"], ["equal"]),
        helper.make_node("Cast", ["equal"], ["same"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["token_type_ids"], ["in_text"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["unit", "in_text"], ["in_question"]),
        helper.make_node("Unsqueeze", ["in_question", "two"], ["question_column"]),
        helper.make_node("Unsqueeze", ["in_text", "one"], ["text_row"]),
        helper.make_node("Mul", ["question_column", "text_row"], ["across"]),
        helper.make_node("Mul", ["same", "across"], ["shared"]),
        helper.make_node("ReduceSum", ["shared", "both"], ["count"], keepdims=0),
        helper.make_node("Unsqueeze", ["count", "one"], ["scores"]),
        helper.make_node("MatMul", ["scores", "last_of"], ["logits"]),
    ]
    last_of = np.zeros((1, classes), np.float32)
    last_of[0, -1] = 1
    axes = {"one": np.array([1]), "two": np.array([2]), "both": np.array([1, 2]), "unit": np.float32(1), "last_of": last_of}
    return _folder(folder, nodes, axes, ["input_ids", "attention_mask", "token_type_ids"], ("logits", ["b", classes]))


def picture_model(folder: Path) -> Path:
    """A model that takes no text."""
    return _folder(
        folder, [helper.make_node("Identity", ["pixel_values"], ["same"])], {}, ["pixel_values"], ("same", ["b", "n"]), TensorProto.INT64
    )


def _folder(folder: Path, nodes: list, constants: dict, inputs: list[str], output: tuple, kind: int = TensorProto.FLOAT) -> Path:  # type: ignore[type-arg]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "n"]) for name in inputs],
        [helper.make_tensor_value_info(output[0], kind, output[1])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR), folder / "model.onnx")
    shutil.copy(_TOKENIZER.find(), folder / "tokenizer.json")
    return folder
