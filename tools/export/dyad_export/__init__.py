"""From a checkpoint of a two-tower model to a model folder that dyad runs.

    checkpoint ─ family (laion, clap, muscall, …) ─ System ─ folder: graphs, tokenizer, model.toml, golden.safetensors
                 names and shapes → own modules     two towers, checked against a reference at batch 1, 2, 3

The architectures are written here anew, in plain torch, so that their ONNX graphs hold at every batch size; the models of
`transformers` serve as the reference that they are held to, and give the golden file's numbers.
"""
