"""The tokenizer that a family was trained with, as one `tokenizer.json`."""

from pathlib import Path

from tokenizers import Tokenizer

from .refusal import Refused


def load(where: str) -> Tokenizer:
    """A `tokenizer.json`, a folder with one (or with what `transformers` makes one of), or a name that `transformers` knows."""
    path = Path(where)
    if path.is_dir() and (path / "tokenizer.json").is_file():
        path = path / "tokenizer.json"
    try:
        if path.is_file():
            tokenizer = Tokenizer.from_file(str(path))
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(where).backend_tokenizer
    except Exception as error:  # A missing network, a missing file, a slow tokenizer: all end in the same place.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refused(
            f"the tokenizer `{where}` cannot be had: {first}; expected `--tokenizer` with a folder or a tokenizer.json"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def id_of(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise Refused(f"the tokenizer has no token `{token}`: expected the one that the checkpoint was trained with")
    return found


def encode(tokenizer: Tokenizer, texts: list[str], template: str, max_tokens: int) -> list[list[int]]:
    """Ids without padding, cut to `max_tokens` with the special tokens kept."""
    tokenizer.enable_truncation(max_tokens)
    rows = [tokenizer.encode(template.replace("{}", text, 1)).ids for text in texts]
    tokenizer.no_truncation()
    return rows
