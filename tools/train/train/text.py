"""The frozen text encoder: all-MiniLM-L6-v2 with int8 weights, mean-pooled.

`embed` runs the packaged graph; `export` puts pooling, the trained linear layer and
the L2 norm behind it, in one graph.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .bundle import TEXTS, encode, session, tokenizer

WIDTH = 384


def _pool(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    m = mask[:, :, None].astype(np.float32)
    return (hidden * m).sum(1) / m.sum(1)


def embed(texts: list[str], graph: Path, tokenizer_file: Path, batch: int = 32) -> np.ndarray:
    """Pre-joint vectors [n, 384]; like lengths go together, to pad little."""
    run, tok = session(graph), tokenizer(tokenizer_file)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.zeros((len(texts), WIDTH), np.float32)
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        feed = encode(tok, [texts[i] for i in chosen])
        out[chosen] = _pool(run.run(None, feed)[0], feed["attention_mask"])
    return out


def gather_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """The packaged graph converts the whole int8 word table to float for every text
    (Cast, Mul, Gather). Take the rows first and convert only those; the numbers are the same.

    The scale is taken row by row too, if it has one value a row."""
    g = model.graph
    made_by = {o: n for n in g.node for o in n.output}
    sizes = {t.name: list(t.dims) for t in g.initializer}
    for at, gather in enumerate(g.node):
        multiply = made_by.get(gather.input[0]) if gather.op_type == "Gather" else None
        cast = made_by.get(multiply.input[0]) if multiply is not None and multiply.op_type == "Mul" else None
        if cast is not None and cast.op_type == "Cast" and cast.input[0] in sizes and multiply.input[1] in sizes:
            break
    else:
        raise SystemExit("no word table of the expected form (Cast, Mul, Gather) in the text graph")
    table, scale, ids, out = cast.input[0], multiply.input[1], gather.input[1], gather.output[0]
    rows = sizes[table][0]
    if any(out in n.input for n in g.node[:at]) or sum(gather.input[0] in n.input for n in g.node) != 1:
        raise SystemExit("the word table of the text graph is used more than once")
    if sizes[scale] and sizes[scale][0] not in (1, rows):
        raise SystemExit(f"a scale of shape {sizes[scale]} for the word table")
    new = [
        helper.make_node("Gather", [table, ids], ["word_rows"], name="word_rows", axis=0),
        helper.make_node("Cast", ["word_rows"], ["word_rows_f"], name="word_rows_f", to=TensorProto.FLOAT),
    ]
    if sizes[scale] and sizes[scale][0] == rows:
        new.append(helper.make_node("Gather", [scale, ids], ["word_scales"], name="word_scales", axis=0))
        scale = "word_scales"
    new.append(helper.make_node("Mul", ["word_rows_f", scale], [out], name="word_vectors"))
    nodes = [n for n in g.node if n.name not in (gather.name, multiply.name, cast.name)]
    first = next(i for i, n in enumerate(nodes) if out in n.input)
    nodes[first:first] = new
    del g.node[:]
    g.node.extend(nodes)
    return model


def check(graph: Path, heads: list[tuple[np.ndarray, np.ndarray]], target: Path, tokenizer_file: Path) -> float:
    """The largest difference between the written graph and the packaged one with pooling
    and heads in NumPy, at batch 1, 2 and 3."""
    before, after, tok, worst = session(graph), session(target), tokenizer(tokenizer_file), 0.0
    for size, texts in TEXTS.items():
        feed = encode(tok, texts)
        pre = _pool(before.run(None, feed)[0], feed["attention_mask"])
        unit = pre / np.linalg.norm(pre, axis=1, keepdims=True)
        each = [unit @ w.T + b for w, b in heads]
        joint = np.concatenate([e / np.linalg.norm(e, axis=1, keepdims=True) for e in each], 1) / np.sqrt(len(heads))
        got = after.run(["pre_joint", "joint"], feed)
        here = max(float(np.abs(a - b).max()) for a, b in zip(got, (pre, joint)))
        print(f"text graph, batch {size}: largest difference to the packaged graph {here:.1e}")
        worst = max(worst, here)
    if worst > 1e-5:
        raise SystemExit(f"the exported text graph differs by {worst}")
    return worst


def export(graph: Path, heads: list[tuple[np.ndarray, np.ndarray]], target: Path) -> None:
    """`heads`: weight [joint, 384] and bias [joint] of each member, for the unit pre-joint
    vector. Each member's result gets unit length, and so has the whole."""
    model = gather_first(onnx.load(graph))
    g = model.graph
    hidden = g.output[0].name
    width = heads[0][0].shape[0]
    constants = {
        "pool_axis": np.array([1], np.int64),
        "pool_last": np.array([2], np.int64),
        "pool_eps": np.array(1e-12, np.float32),
        "head_weight": np.concatenate([w for w, _ in heads]).T.astype(np.float32),
        "head_bias": np.concatenate([b for _, b in heads]).astype(np.float32),
        "head_members": np.array([-1, len(heads), width], np.int64),
        "head_flat": np.array([-1, len(heads) * width], np.int64),
        "head_share": np.array(1 / np.sqrt(len(heads)), np.float32),
    }
    g.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())
    node = helper.make_node
    g.node.extend(
        [
            node("Cast", ["attention_mask"], ["pool_mask_f"], to=TensorProto.FLOAT),
            node("Unsqueeze", ["pool_mask_f", "pool_last"], ["pool_mask"]),
            node("Mul", [hidden, "pool_mask"], ["pool_masked"]),
            node("ReduceSum", ["pool_masked", "pool_axis"], ["pool_sum"], keepdims=0),
            node("ReduceSum", ["pool_mask", "pool_axis"], ["pool_count"], keepdims=0),
            node("Div", ["pool_sum", "pool_count"], ["pre_joint"]),
            node("ReduceL2", ["pre_joint"], ["pre_norm"], axes=[1], keepdims=1),
            node("Add", ["pre_norm", "pool_eps"], ["pre_norm_safe"]),
            node("Div", ["pre_joint", "pre_norm_safe"], ["pre_unit"]),
            node("MatMul", ["pre_unit", "head_weight"], ["head_linear"]),
            node("Add", ["head_linear", "head_bias"], ["head_out"]),
            node("Reshape", ["head_out", "head_members"], ["head_each"]),
            node("ReduceL2", ["head_each"], ["head_norm"], axes=[2], keepdims=1),
            node("Add", ["head_norm", "pool_eps"], ["head_norm_safe"]),
            node("Div", ["head_each", "head_norm_safe"], ["head_unit"]),
            node("Reshape", ["head_unit", "head_flat"], ["head_joined"]),
            node("Mul", ["head_joined", "head_share"], ["joint"]),
        ]
    )
    del g.output[:]
    g.output.extend(
        [
            helper.make_tensor_value_info("pre_joint", TensorProto.FLOAT, ["batch", WIDTH]),
            helper.make_tensor_value_info("joint", TensorProto.FLOAT, ["batch", len(heads) * width]),
        ]
    )
    onnx.checker.check_model(model)
    onnx.save(model, target)
