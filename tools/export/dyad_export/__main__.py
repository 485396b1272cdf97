"""`python -m dyad_export FAMILY CHECKPOINT --to FOLDER`: one command from weights to a model folder."""

import argparse
import sys
from pathlib import Path

from . import clap, laion, msclap, muq, muscall, ttmr
from .folder import write
from .refusal import Refused


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dyad_export", description="Turns a checkpoint into a model folder that dyad runs.")
    families = parser.add_subparsers(dest="family", required=True, metavar="FAMILY")
    helps = {
        "laion-clap": "a LAION-CLAP checkpoint without fusion (HTSAT-tiny, -base or -large with RoBERTa)",
        "clap": "a ClapModel folder of transformers",
        "muscall": "a MusCALL checkpoint",
        "ms-clap": "an MS-CLAP checkpoint, 2022 or 2023",
        "ttmr++": "a TTMR++ checkpoint",
        "muq-mulan": "a MuQ-MuLan checkpoint",
    }
    for name, text in helps.items():
        family = families.add_parser(name, help=text, description=text)
        family.add_argument("checkpoint", type=Path, help="the weights: a .pt or .pth file, or a folder for `clap` and `muq-mulan`")
        family.add_argument("--to", type=Path, required=True, help="the folder to write; its name becomes the model's id")
        family.add_argument("--tokenizer", help="a tokenizer.json, a folder with one, or a name that transformers knows")
        family.add_argument("--licence", help="what `describe` shows, in place of the family's usual licence")
        small = family.add_mutually_exclusive_group()
        small.add_argument("--fp16", dest="small", action="store_const", const="fp16", help="weights in half precision: half the size")
        small.add_argument("--int8", dest="small", action="store_const", const="int8", help="matrix products in 8 bits: faster")
        if name == "laion-clap":
            family.add_argument(
                "--pre-joint",
                choices=["consistent", "paper"],
                default="consistent",
                help="audio before the projection: on the same way as joint audio, or as the paper's code took it",
            )
    return parser


def main(argv: list[str] | None = None) -> int:
    args = arguments().parse_args(argv)
    options = {"tokenizer": args.tokenizer} if args.tokenizer else {}
    if getattr(args, "pre_joint", None):
        options["pre_joint"] = args.pre_joint
    loaders = {"laion-clap": laion, "clap": clap, "muscall": muscall, "ms-clap": msclap, "ttmr++": ttmr, "muq-mulan": muq}
    load = loaders[args.family].load
    try:
        system = load(args.checkpoint, **options)
        if args.licence:
            system.licence = args.licence
        write(system, args.to, args.small)
    except Refused as reason:
        print(f"refused   {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
