"""A checkpoint that does not fit: the one exception of this package, and the reading of names and shapes."""

import hashlib
from pathlib import Path

import torch


class Refused(Exception):
    """Why a checkpoint is not exported, in one sentence."""


class Weights:
    """A state dict that is read by name; what is missing, of another shape, or left over is told."""

    def __init__(self, tensors: dict[str, torch.Tensor], name: str):
        self.tensors, self.name, self.used = tensors, name, set()

    def __contains__(self, key: str) -> bool:
        return key in self.tensors

    def get(self, key: str) -> torch.Tensor:
        if key not in self.tensors:
            near = [k for k in self.tensors if k.split(".")[-2:] == key.split(".")[-2:]][:3]
            raise Refused(f"`{self.name}` has no tensor `{key}`" + (f"; nearest are {near}" if near else ""))
        self.used.add(key)
        return self.tensors[key].float()

    def count(self, pattern: str) -> int:
        """How many numbers stand in the place of `{}` in `pattern`, from 0 on."""
        before, after = pattern.split("{}")
        n = 0
        while any(k.startswith(f"{before}{n}{after}") for k in self.tensors):
            n += 1
        return n

    def fill(self, module: torch.nn.Module, names: dict[str, str]) -> None:
        """Loads every parameter and buffer of `module`; `names` maps its names to the checkpoint's."""
        own = module.state_dict()
        for key, target in own.items():
            if key.endswith("num_batches_tracked"):
                continue
            tensor = self.get(names.get(key, key))
            if tensor.shape != target.shape:
                found, wanted = list(tensor.shape), list(target.shape)
                raise Refused(f"`{names.get(key, key)}` in `{self.name}` has shape {found}: expected {wanted}")
            target.copy_(tensor)

    def left_over(self, ignored: tuple[str, ...]) -> list[str]:
        """Tensors that nothing asked for, but for those that contain one of `ignored`."""
        return sorted(k for k in self.tensors if k not in self.used and not any(part in k for part in ignored))


def read(path: Path, inside: tuple[str, ...] = ("state_dict", "model", "model_state_dict")) -> Weights:
    """The tensors of a .pt, .pth or .safetensors file; nothing in it is executed."""
    if not path.is_file():
        raise Refused(f"`{path}` is no file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Pickled classes, damage, another format: all end in the same place.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refused(
            f"`{path.name}` cannot be read as tensors only: {first}; resave it with "
            "`torch.save(checkpoint['state_dict'], …)` where its code is trusted"
        ) from error
    for key in inside:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    tensors = {k: v for k, v in content.items() if isinstance(v, torch.Tensor)} if isinstance(content, dict) else {}
    if not tensors:
        raise Refused(f"`{path.name}` holds no state dict: expected tensors by name, or a dict with `{inside[0]}`")
    while all(k.startswith("module.") for k in tensors):
        tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    return Weights(tensors, path.name)


def sha256(path: Path) -> str:
    """The file's checksum, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
