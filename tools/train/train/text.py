"""The frozen text encoder: all-MiniLM-L6-v2 with int8 weights, mean-pooled.

`embed` runs the packaged graph; `export` puts pooling, the trained linear layer and
the L2 norm behind it, in one graph.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .bundle import encode, session, tokenizer

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


def export(graph: Path, heads: list[tuple[np.ndarray, np.ndarray]], target: Path) -> None:
    """`heads`: weight [joint, 384] and bias [joint] of each member, for the unit pre-joint
    vector. Each member's result gets unit length, and so has the whole."""
    model = onnx.load(graph)
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
