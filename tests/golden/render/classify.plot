tinysol · music-clap 9f2c51aa03de · joint · "A <> track" · n 2913 · chance 0.0714 · ties 0

Confusion
               1  2  3
1 violin       ██
2 笛子         ░░ ▒▒ ░░
3 french_horn     ?? ▓▓
               0.0000  ░▒▓█ 0.9300

note:  class `oboe` has no clip: it counts in no mean

cosine, greater is nearer · exact · resamples 1000 · backend onnxruntime 1.24.4 · seed 0
store .dyad · dyad 0.1.0
