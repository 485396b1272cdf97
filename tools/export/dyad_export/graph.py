"""torch → ONNX, and smaller forms of a graph.

    module ─ torch.onnx (TorchScript, opset 17, open batch) ─ onnx
      fp16: weights and tables stored in half precision, computed in single precision; half the file
      int8: weights of matrix products in 8 bits, activations quantised as they come; tables in half precision

The front end (modules called `frontend`) stays in single precision in every form.
"""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# Below this a tensor stays as it is: little is gained and scales, norms and positions are the sensitive ones.
SMALL = 16_384


def export(module: torch.nn.Module, inputs: dict[str, torch.Tensor], open_length: bool, path: Path) -> None:
    """Writes `module`; the first dimension of every input and output is open, the second of the inputs if `open_length`."""
    axes = {name: {0: "batch", 1: "length"} if open_length else {0: "batch"} for name in inputs}
    axes.update({name: {0: "batch"} for name in ("pre_joint", "joint")})
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["pre_joint", "joint"],
            dynamic_axes=axes,
            do_constant_folding=True,
        )
    onnx.checker.check_model(str(path))


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(runner: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    wanted = {port.name for port in runner.get_inputs()}
    return runner.run(["pre_joint", "joint"], {k: v for k, v in inputs.items() if k in wanted})


def halve(path: Path) -> None:
    """Large weights and tables in half precision, each cast back where it is used; after a gather, where it is gathered."""
    model = onnx.load(str(path))
    graph = model.graph
    kept = protected(graph)
    casts, half = [], {}
    for tensor in graph.initializer:
        numbers = numpy_helper.to_array(tensor)
        if numbers.dtype != np.float32 or numbers.size < SMALL or tensor.name in kept:
            continue
        if np.abs(numbers).max() > 65_000:
            continue
        tensor.CopyFrom(numpy_helper.from_array(numbers.astype(np.float16), tensor.name))
        half[tensor.name] = f"{tensor.name}_f32"
    users = {name: [node for node in graph.node if name in node.input] for name in half}
    at_front = []
    for name, cast in half.items():
        if all(node.op_type == "Gather" and node.input[0] == name for node in users[name]):
            for node in users[name]:
                out = node.output[0]
                node.output[0] = f"{out}_f16"
                casts.append((node, helper.make_node("Cast", [node.output[0]], [out], to=TensorProto.FLOAT)))
        else:
            at_front.append(helper.make_node("Cast", [name], [cast], to=TensorProto.FLOAT))
            for node in users[name]:
                for i, used in enumerate(node.input):
                    if used == name:
                        node.input[i] = cast
    nodes = list(at_front)
    for node in graph.node:
        nodes.append(node)
        nodes.extend(cast for gather, cast in casts if gather is node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def quantise(path: Path) -> None:
    """Matrix products with fixed weights in 8 bits, one scale a column; the rest of the large tensors as in `halve`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(path))
    spared = [node.name for node in model.graph.node if "frontend" in node.name]
    quantize_dynamic(
        str(path),
        str(path),
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_exclude=spared,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )
    halve(path)


def protected(graph: onnx.GraphProto) -> set[str]:
    """Initializers that the front end uses."""
    return {name for node in graph.node if "frontend" in node.name for name in node.input}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The smallest cosine of the rows of `a` with those of `b`."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(((a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-30)).min())
