"""BERT, RoBERTa and XLM-RoBERTa: one encoder, three ways of counting positions and pooling.

Sources: Devlin et al. 2019, Liu et al. 2019; the names of `transformers` checkpoints.
"""

import torch
from torch import nn

from .refusal import Refused, Weights


class Bert(nn.Module):
    """ids, mask i64 [batch, tokens] → hidden states [batch, tokens, width]; `positions_after` is the padding id for RoBERTa."""

    def __init__(self, weights: Weights, prefix: str, eps: float, positions_after: int | None, heads: int | None = None):
        super().__init__()
        words = weights.get(f"{prefix}embeddings.word_embeddings.weight")
        positions = weights.get(f"{prefix}embeddings.position_embeddings.weight")
        self.width, self.positions_after = words.shape[1], positions_after
        self.heads = heads or max(1, self.width // 64)
        self.layers = weights.count(prefix + "encoder.layer.{}.")
        self.longest = positions.shape[0] - (0 if positions_after is None else positions_after + 1)
        if self.layers == 0:
            raise Refused(f"`{weights.name}` has no `{prefix}encoder.layer.0`")
        inner = weights.get(f"{prefix}encoder.layer.0.intermediate.dense.weight").shape[0]
        self.words, self.places = nn.Embedding(*words.shape), nn.Embedding(*positions.shape)
        self.norm = nn.LayerNorm(self.width, eps=eps)
        self.blocks = nn.ModuleList(Layer(self.width, self.heads, inner, eps) for _ in range(self.layers))
        names = {"words.weight": "embeddings.word_embeddings.weight", "places.weight": "embeddings.position_embeddings.weight"}
        inside = {
            "query": "attention.self.query",
            "key": "attention.self.key",
            "value": "attention.self.value",
            "out": "attention.output.dense",
            "norm1": "attention.output.LayerNorm",
            "up": "intermediate.dense",
            "down": "output.dense",
            "norm2": "output.LayerNorm",
        }
        for key in self.state_dict():
            parts = key.split(".")
            if parts[0] == "norm":
                names[key] = f"embeddings.LayerNorm.{parts[1]}"
            elif parts[0] == "blocks":
                names[key] = f"encoder.layer.{parts[1]}.{inside[parts[2]]}.{parts[3]}"
        weights.fill(self, {key: prefix + name for key, name in names.items()})
        # One text has one segment: its vector goes into the words' table once and for all.
        self.words.weight.data += weights.get(f"{prefix}embeddings.token_type_embeddings.weight")[0]

    def __str__(self):
        return f"{self.layers} layers of width {self.width}, {self.heads} heads, {self.words.num_embeddings} tokens"

    def forward(self, ids, mask):
        # Counted in f32, since tract has no running sum over whole numbers.
        if self.positions_after is None:
            places = torch.ones_like(ids).float().cumsum(1) - 1.0
        else:
            real = (ids != self.positions_after).float()
            places = real.cumsum(1) * real + float(self.positions_after)
        places = places.long()
        x = self.norm(self.words(ids) + self.places(places))
        hidden = (1.0 - mask.float())[:, None, None, :] * -10_000.0
        for block in self.blocks:
            x = block(x, hidden)
        return x


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, eps: float):
        super().__init__()
        self.width, self.heads = width, heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)

    def forward(self, x, hidden):
        def split(y):
            return y.reshape(y.shape[0], -1, self.heads, self.width // self.heads).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = q @ k.transpose(-1, -2) * (self.width // self.heads) ** -0.5 + hidden
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape[0], -1, self.width)
        x = self.norm1(x + self.out(y))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


class Pooler(nn.Module):
    """tanh of a dense layer over the first token's state."""

    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        self.dense = nn.Linear(*reversed(weights.get(f"{prefix}pooler.dense.weight").shape))
        weights.fill(self, {f"dense.{n}": f"{prefix}pooler.dense.{n}" for n in ("weight", "bias")})

    def forward(self, states):
        return torch.tanh(self.dense(states[:, 0]))
