"""Training definitions of the fourteen targets, composed from facts in our own words.

None contains the label. `HELD_OUT` are other wordings, kept for measuring whether
the text tower understands a definition that it never saw.
"""

import numpy as np

from .instruments import TARGETS

# size or register; kind; how it is played; how it is built; how it sounds
PARTS = {
    "tuba": (
        ["very large", "lowest", "bass", "huge"],
        ["brass instrument", "wind instrument made of brass"],
        ["blown by buzzing the lips", "played with a large mouthpiece"],
        ["with valves and a wide conical bore", "with a big bell pointing upwards", "the largest of the brass", "held on the lap"],
        ["a deep round tone", "the foundation of the brass", "heavy low notes"],
    ),
    "french_horn": (
        ["medium-range", "mellow", "coiled", "circular"],
        ["brass instrument", "wind instrument made of brass"],
        ["blown by buzzing the lips", "played with a funnel-shaped mouthpiece"],
        ["with a long coiled tube", "with rotary valves and a wide bell", "with the right hand placed in the bell", "derived from the hunting call"],
        ["a warm noble tone", "a soft round glow", "distant heroic calls"],
    ),
    "trombone": (
        ["tenor", "medium-low", "mid-sized", "low-pitched"],
        ["brass instrument", "wind instrument made of brass"],
        ["blown by buzzing the lips", "played by pushing and pulling a slide"],
        ["with a telescoping slide", "whose length of tubing is changed with a slide", "without valves", "with a cylindrical bore and a sliding tube"],
        ["a bold powerful tone", "smooth glissandos", "a majestic low brass sound"],
    ),
    "trumpet": (
        ["small", "high-pitched", "soprano", "treble"],
        ["brass instrument", "wind instrument made of brass"],
        ["blown by buzzing the lips", "played with a cup-shaped mouthpiece"],
        ["with three piston valves", "with a mostly cylindrical bore", "with a flaring bell", "the highest of the orchestral brass"],
        ["a brilliant piercing tone", "bright fanfares", "a heroic ringing sound"],
    ),
    "accordion": (
        ["portable", "hand-held", "folk", "box-shaped"],
        ["free-reed instrument", "bellows instrument", "keyboard wind instrument"],
        ["played by squeezing bellows", "sounded by air blown over metal reeds"],
        ["with a piano keyboard on one side and buttons on the other", "worn with straps on the chest", "with pleated bellows", "with metal reeds inside a box"],
        ["a reedy wheezing tone", "polkas, tangos and musettes", "sustained organ-like chords"],
    ),
    "contrabass": (
        ["very large", "lowest", "deepest", "huge"],
        ["string instrument", "bowed string instrument", "member of the string family"],
        ["played with a bow or plucked", "bowed standing up", "sounded with a short bow"],
        ["taller than the player", "standing upright on the floor", "with four or five strings tuned in fourths", "the biggest of the orchestral strings"],
        ["a deep rumbling tone", "the bass line of the orchestra", "very low dark notes"],
    ),
    "violin": (
        ["small", "high-pitched", "treble", "soprano"],
        ["string instrument", "bowed string instrument", "member of the string family"],
        ["played with a bow", "sounded by drawing a horsehair bow across the strings", "usually bowed, sometimes plucked"],
        ["held under the chin", "resting on the shoulder", "with four strings tuned G D A E", "with a hollow wooden body and no frets"],
        ["a bright singing tone", "a sweet high voice", "the leading melody in the orchestra"],
    ),
    "viola": (
        ["medium-sized", "alto", "middle-range", "slightly larger"],
        ["string instrument", "bowed string instrument", "member of the string family"],
        ["played with a bow", "bowed like its smaller relative", "sounded with a horsehair bow"],
        ["held under the chin", "tuned a fifth below the treble member", "with four strings tuned C G D A", "bigger than the soprano string"],
        ["a dark mellow tone", "a warm husky voice", "the inner harmony part"],
    ),
    "violoncello": (
        ["large", "low-pitched", "tenor", "baritone"],
        ["string instrument", "bowed string instrument", "member of the string family"],
        ["played with a bow", "bowed while sitting", "sounded with a horsehair bow"],
        ["held between the knees", "standing on a spike called an endpin", "with four strings tuned an octave below the alto", "held vertically by a seated musician"],
        ["a rich deep singing tone", "a warm human-like voice", "expressive low melodies"],
    ),
    "bassoon": (
        ["large", "low-pitched", "bass", "tenor and bass"],
        ["woodwind instrument", "double-reed instrument"],
        ["blown through a double reed", "played through a curved metal tube called a bocal"],
        ["made of a long folded wooden tube", "doubled back on itself", "about eight feet of tubing", "made of maple wood"],
        ["a dry buzzing low tone", "a comic grumbling voice", "the bass of the woodwinds"],
    ),
    "clarinet": (
        ["medium-range", "black", "cylindrical", "soprano"],
        ["woodwind instrument", "single-reed instrument"],
        ["blown through a single reed", "played with a beak-shaped mouthpiece and one reed"],
        ["with a cylindrical bore", "made of black grenadilla wood", "with a flared wooden bell and silver keys", "that overblows at the twelfth"],
        ["a smooth liquid tone", "a hollow woody low register", "a round pure sound"],
    ),
    "flute": (
        ["high-pitched", "soprano", "slender", "silver"],
        ["woodwind instrument", "reedless wind instrument"],
        ["blown across a hole", "played by blowing over an edge"],
        ["held sideways", "made of metal with keys", "without any reed", "a straight metal tube closed at one end"],
        ["a pure airy tone", "a bright breathy sound", "light bird-like melodies"],
    ),
    "oboe": (
        ["high-pitched", "soprano", "slender", "small"],
        ["woodwind instrument", "double-reed instrument"],
        ["blown through a double reed", "played through two thin pieces of cane"],
        ["with a conical wooden body", "used to tune the orchestra", "made of grenadilla wood with keys", "with a small flared bell"],
        ["a nasal penetrating tone", "a plaintive reedy sound", "pastoral melodies"],
    ),
    "saxophone": (
        ["medium-sized", "alto", "curved", "conical"],
        ["woodwind instrument made of brass", "single-reed instrument"],
        ["blown through a single reed", "played with a mouthpiece and one reed"],
        ["with a curved conical metal body", "made of brass but classed as a woodwind", "invented by Adolphe Sax", "pitched in E flat"],
        ["a smooth jazzy tone", "a warm vocal sound", "solos in jazz and big bands"],
    ),
}

SHORT = {
    40: ["the smallest and highest-pitched bowed string instrument of the orchestra", "a four-stringed instrument tuned in fifths, played under the chin with a horsehair bow", "small wooden bowed soprano string instrument with a bright singing tone", "bowed strings, high bright tone with vibrato"],
    41: ["a bowed string instrument slightly larger and deeper than its soprano sibling", "the alto member of the orchestral strings, held under the chin, dark and mellow", "bowed alto string instrument with a warm husky tone", "middle voice of the string quartet"],
    42: ["a large bowed string instrument held between the knees", "tenor and bass voice of the string quartet, played seated with a bow", "bowed low string instrument with a rich warm tone resting on an endpin", "deep bowed strings with a rich, vocal tone"],
    43: ["the largest and lowest bowed string instrument of the orchestra", "a huge upright string instrument tuned in fourths, played standing with a bow", "very deep bowed strings", "the bass of the orchestral strings"],
    56: ["a bright high brass instrument with three piston valves", "brilliant soprano brass played by buzzing the lips into a cup mouthpiece", "a penetrating fanfare brass tone", "small cylindrical brass instrument with valves"],
    57: ["a brass instrument with a telescoping slide", "tenor brass whose pitch is changed by moving a slide", "powerful sliding low brass", "brass instrument capable of smooth glissando with its slide"],
    58: ["the largest and lowest-pitched brass instrument", "a huge conical brass instrument with valves and a wide upward bell", "very deep round brass bass tone", "low brass providing the bass of the brass band"],
    60: ["a coiled conical brass instrument with a hand in its bell", "mellow brass made of long circular tubing and rotary valves", "round, noble and warm brass tone like hunting calls", "brass instrument descended from the hunting instrument"],
    21: ["a portable bellows-driven free-reed instrument with a keyboard and buttons", "squeezed bellows blow air across metal reeds", "hand-held box with bellows used in folk and polka music", "reedy bellows instrument with piano keys worn on the chest"],
    70: ["a large low double-reed woodwind with a long folded wooden tube", "bass and tenor double reed of the orchestra", "a buzzing, comic, deep double-reed tone", "low woodwind blown through a curved metal crook"],
    71: ["a cylindrical woodwind with a single reed", "a black wooden single-reed instrument with a hollow low register", "smooth woodwind with strong odd harmonics", "liquid mellow single-reed tone"],
    73: ["a metal woodwind held sideways and blown across a hole", "reedless woodwind with a pure airy tone", "silver side-blown soprano woodwind", "breathy, airy high woodwind"],
    68: ["a soprano double-reed woodwind with a nasal penetrating tone", "conical wooden double-reed that gives the orchestra its tuning note", "nasal reedy high woodwind", "small slender double-reed instrument"],
    65: ["a curved brass-bodied single-reed instrument common in jazz", "conical metal reed instrument in e flat", "jazzy reedy woodwind made of brass", "mid-sized jazz reed with a warm singing tone"],
    0: ["a large keyboard instrument whose felt hammers strike strings"],
    6: ["an early keyboard instrument that plucks its strings with quills"],
    19: ["a huge keyboard instrument blowing air through pipes in a church"],
    46: ["a large triangular instrument with many strings plucked by the fingers"],
    24: ["a six-stringed wooden fretted instrument plucked with the fingers"],
    105: ["a twangy plucked instrument with a drum-like body"],
    11: ["metal bars struck with mallets, with motor-driven tremolo"],
    12: ["wooden bars struck with soft mallets"],
    13: ["hard wooden bars struck with mallets"],
    47: ["large tuned copper drums"],
    109: ["a bag of air blowing reeds over a constant drone"],
    22: ["a small rectangular free-reed instrument blown with the mouth"],
    52: ["many people singing together"],
    128: ["drums and cymbals", "a rhythm played on a drum set"],
}

HELD_OUT = {
    "tuba": "A large valved brass wind instrument that sounds the lowest notes in the brass section.",
    "french_horn": "A brass wind instrument consisting of a conical tube coiled into a spiral, with a flared bell into which the player puts a hand.",
    "trombone": "A brass wind instrument consisting of a long tube whose length can be varied by a U-shaped slide.",
    "trumpet": "A brass musical instrument with a flared bell and a bright, penetrating tone, fitted with valves.",
    "accordion": "A musical instrument played by stretching and squeezing with the hands to work a central bellows that blows air over metal reeds, with keys and buttons.",
    "contrabass": "The largest and deepest member of the bowed strings, standing on the floor and providing the bass line.",
    "violin": "A stringed musical instrument of treble pitch, played with a horsehair bow, resting against the neck of the player.",
    "viola": "An instrument of the bowed string family, larger than the treble one and tuned a fifth lower.",
    "violoncello": "A bass instrument of the bowed string family, held upright on the floor between the legs of the seated player.",
    "bassoon": "A bass woodwind instrument of the oboe family, with a double reed and a long bent-back body.",
    "clarinet": "A woodwind instrument with a single-reed mouthpiece, a cylindrical tube with a flared end, and holes stopped by keys.",
    "flute": "A wind instrument made from a tube with holes stopped by keys, held horizontally and blown across a hole by the player.",
    "oboe": "A woodwind instrument with a double-reed mouthpiece, a slender tubular body, and a high plaintive tone.",
    "saxophone": "A metal wind instrument with a single-reed mouthpiece, of contralto pitch, used especially in jazz and dance music.",
}

FORMS = [
    "A {size} {kind} {play}.",
    "A {size} {kind}, {build}, {play}.",
    "{kind} {build}",
    "A {kind} {build}, {play}, with {sound}.",
    "a {size} {kind} with {sound}",
    "An instrument {build}, {play}.",
    "A {size} {kind} {play}, known for {sound}.",
    "{size} {kind}, {build}",
    "instrument {play}, {build}",
    "The instrument is a {size} {kind} {build}; it is {play} and has {sound}.",
    "is a {size} {kind} {build}, {play}",
]
NAMED = [
    "The {label} is a {size} {kind} {play}.",
    "The {label} is a {kind} {build}, {play}.",
    "A {label} is a {size} {kind} {build}.",
    "The {label} is a {size} {kind} {build}, {play}, with {sound}.",
    "{label}: a {kind} with {sound}",
]


def definitions(count: int = 110, named: int = 40) -> dict[str, list[str]]:
    """Target -> sentences; the last `named` of them contain the label."""
    rng = np.random.default_rng(7)
    out = {}
    for target in TARGETS:
        size, kind, play, build, sound = PARTS[target]
        for forms, wanted in ((FORMS, count), (NAMED, named)):
            made: set[str] = set()
            while len(made) < wanted:
                made.add(
                    forms[rng.integers(len(forms))].format(
                        label=target.replace("_", " "),
                        **{
                            name: options[rng.integers(len(options))]
                            for name, options in zip(("size", "kind", "play", "build", "sound"), (size, kind, play, build, sound))
                        },
                    )
                )
            out.setdefault(target, []).extend(sorted(made))
    return out
