"""Who does what in a new demo, in this order. The sketch engine can paint all prompts; the best picture comes last."""

from core.demo.life.actions import OPENING, Action, Board, Comment, Follow, Like, Post, Remix

ANYA, CLAIRE, DAN, JONAS = "anya_z", "claireobscur", "glacierdan", "jonas_weber"
LEYLA, MARCELO, MINJUN, MIRA = "leylanur", "marcelo_rs", "minjun_k", "mira_paints"
NOOR, PRIYA, SAKURA, TOM = "noor_h", "pixelpriya", "sakura_iro", "oldtomcat"
PEOPLE = (ANYA, CLAIRE, DAN, JONAS, LEYLA, MARCELO, MINJUN, MIRA, NOOR, PRIYA, SAKURA, TOM)

# Eight of them sign in, because a visitor of the demo shares the gallery's 20 sign-ins in ten minutes. The bot sends 38
# replies with the samples, because X allows 100 in a quarter of an hour.
LIGHTHOUSES: tuple[Action, ...] = (
    Post("lighthouse", MIRA, "@{bot} a red lighthouse on a rock, evening sea, first stars --ar 3:2"),
    Remix("storm", MARCELO, "lighthouse", "a red lighthouse on a rock in a storm, tall waves", "3:2"),
    Post("snowy lighthouse", DAN, "@{bot} but in winter, at night", reply_to="lighthouse"),
    Comment("stars", NOOR, "lighthouse", "The first stars are my favorite part."),
    Comment("red", TOM, "lighthouse", "Mine is the red. 🔴", reply_to="stars"),
    Like("lighthouse", (NOOR, TOM, MARCELO, DAN, LEYLA, CLAIRE)),
    Remix("tall lighthouse", NOOR, "storm", "a red lighthouse in a snow storm at night", "9:16"),
    Remix("aurora", DAN, "tall lighthouse", "a red lighthouse under the aurora, winter night", "4:5"),
    Remix("lighthouse and whale", MIRA, "aurora", "a whale and a red lighthouse under the aurora, night", "16:9"),
    Comment("whale", DAN, "lighthouse and whale", "A whale! I did not see that coming. Who remixes it next?"),
    Like("aurora", (MIRA, NOOR, PRIYA)),
    Like("lighthouse and whale", (DAN, NOOR, TOM, CLAIRE)),
)

ANIMALS: tuple[Action, ...] = (
    Post("cats", TOM, "@{bot} two cats asleep under a huge moon --ar 4:5"),
    Post("fox", ANYA, "@{bot} лиса в ночном лесу, идёт снег 🦊🌲❄️🌙"),
    Post("koi", MINJUN, "@{bot} 잉어 🐟🐠🐟 --ar 4:5 --n 2"),
    Follow(TOM, (ANYA, MIRA, CLAIRE)),
    Remix("cat family", TOM, "cats", "five cats on a hill at golden hour", "21:9"),
    Remix("black cat", CLAIRE, "cats", "a black cat on a hill under a full moon, autumn", style="pixel"),
    Post("golden cats", LEYLA, "@{bot} but at sunset", reply_to="cats"),
    Comment("whiskers", TOM, "black cat", "That is my neighbor's cat. It owes me a fish."),
    Comment("fish", CLAIRE, "black cat", "It says hello, and no.", reply_to="whiskers"),
    Like("black cat", (TOM, NOOR, PRIYA, LEYLA, MIRA)),
    Remix("day fox", LEYLA, "fox", "a fox in the snow, morning"),
    Remix("foxes", MIRA, "day fox", "two foxes in an autumn forest", "3:2", style="woodcut"),
    Remix("polar fox", DAN, "day fox", "a fox in the snow under the aurora, night", "2:3"),
    Like("fox", (TOM, MIRA, LEYLA, DAN, NOOR, CLAIRE, PRIYA)),
    Like("foxes", (LEYLA, TOM)),
    Remix("goldfish", PRIYA, "koi", "a goldfish and a reef", style="comic"),
    Post("dog and cat", TOM, "@{bot} a dog and a cat at sunset --ar 3:2"),
    Post("deer", ANYA, "@{bot} two deer in an autumn forest --ar 3:2"),
    Like("cats", (MIRA, LEYLA, CLAIRE)),
    Board(TOM, "Cats, and others who could be cats", "In order of importance.", ("cats", "black cat", "cat family")),
)

PLACES: tuple[Action, ...] = (
    Post("neon", PRIYA, "@{bot} a city at night, cyberpunk, neon rain --ar 9:16 --n 4"),
    Post("boat", MARCELO, "@{bot} um barco na praia, pôr do sol 🌊⛵🌞 --ar 16:9"),
    Post("fuji", SAKURA, "@{bot} 桜と富士山 🌸🗻 --ar 4:5"),
    Post("hope", SAKURA, "@{bot} 希望 ✏️ --ar 3:2"),
    Post("desert", NOOR, "@{bot} قمر فوق الصحراء 🌙🏜️🌵 --ar 4:5"),
    Post("whale", DAN, "@{bot} a whale under the aurora, polar night --ar 21:9"),
    Post("neon again", JONAS, "@{bot} again", reply_to="neon"),
    Comment("third", NOOR, "neon", "The third one! I would live there."),
    Comment("rent", PRIYA, "neon", "The rent is 0x7FFFFFFF.", reply_to="third"),
    Like("neon", (NOOR, TOM, MARCELO)),
    Remix("calm boat", CLAIRE, "boat", "a white sailing boat at dawn, calm lake", "4:5", style="watercolor"),
    Post("castle", LEYLA, "a castle at sunset, five birds --ar 16:9", reply_to=OPENING),
    Post("galaxy", DAN, "@{bot} a purple galaxy over a quiet lake --ar 16:9"),
    Post("campfire", MINJUN, "@{bot} a campfire in the forest at night, stars --ar 3:2"),
    Like("calm boat", (MARCELO, LEYLA, NOOR, MIRA)),
    Remix("gray castle", CLAIRE, "castle", "a castle on a hill before a storm", "4:5", style="ink"),
    Post("dunes", NOOR, "@{bot} the milky way over dunes --ar 9:16"),
    Post("rainbow", CLAIRE, "@{bot} a rainbow over a village in spring --ar 3:2 --n 2"),
    Follow(MARCELO, (CLAIRE, LEYLA, NOOR)),
    Follow(MIRA, (DAN, NOOR, SAKURA, TOM)),
    Remix("house", MIRA, "rainbow", "a small house by a lake in autumn", "4:3"),
    Remix("red house", LEYLA, "house", "a red house in the snow, three trees", "4:3", count=2),
    Like("dunes", (PRIYA, DAN, CLAIRE)),
    Like("red house", (MIRA, DAN)),
    Board(CLAIRE, "Quiet places", "For a slow Sunday.", ("calm boat", "galaxy", "house", "desert")),
    Board(NOOR, "Night", "It is never quite dark.", ("desert", "dunes", "tall lighthouse", "fox", "first:noor_h")),
)

FORMS_AND_FLOWERS: tuple[Action, ...] = (
    Post("bach", JONAS, "eine Fuge von Bach, in Blau und Gold --ar 4:5", reply_to=OPENING),
    Post("turquoise", PRIYA, "@{bot} the sound of rust and turquoise"),
    Post("jazz", ANYA, "@{bot} jazz, loud"),
    Remix("variations", PRIYA, "bach", "a fugue by Bach, in blue and gold", "4:5", count=4),
    Remix("polyphony", NOOR, "variations", "polyphony", "4:5"),
    Comment("voices", CLAIRE, "variations", "Four voices, of course."),
    Like("variations", (CLAIRE, NOOR, LEYLA)),
    Post("cup", CLAIRE, "@{bot} une tasse de café, bien chaud ☕"),
    Remix("tea", LEYLA, "cup", "a green cup of tea"),
    Remix("blue rose", CLAIRE, "cup", "a blue rose", "4:5"),
    Post("tree", MARCELO, "@{bot} a pink tree on a green hill, spring"),
    Remix("cherries", MIRA, "tree", "cherry trees in spring", "3:2"),
    Remix("sunflowers", LEYLA, "first:oldtomcat", "a field of sunflowers under a summer sky", "3:2"),
    Like("first:oldtomcat", (MIRA, LEYLA, NOOR, CLAIRE)),
    Like("blue rose", (LEYLA, MIRA, NOOR)),
    Follow(NOOR, (DAN, PRIYA)),
    Follow(LEYLA, (NOOR, SAKURA, MIRA)),
    Board(LEYLA, "For the kiln", "Colors to try on cups.", ("tea", "cup", "turquoise", "variations", "blue rose")),
)

FINALE: tuple[Action, ...] = (
    Post("balloon", MIRA, "@{bot} a red balloon above a field of poppies --ar 3:4"),
    Remix("balloons", MARCELO, "balloon", "three red balloons over the sea", "3:4"),
    Comment("waves", MIRA, "balloons", "Now I want to learn to surf."),
    Comment("lessons", MARCELO, "balloons", "First lesson is free.", reply_to="waves"),
    Like("balloon", (MARCELO, TOM, CLAIRE, DAN, PRIYA)),
    Like("balloons", (MIRA, LEYLA)),
    Remix("balloons at dawn", NOOR, "balloons", "hot air balloons over a desert at dawn", "3:4"),
    Like("balloons at dawn", (MIRA, MARCELO, TOM, CLAIRE, DAN, PRIYA, LEYLA)),
    Comment("dawn", MIRA, "balloons at dawn", "From my poppies to your desert in two remixes. I love this."),
)

SCRIPT: tuple[Action, ...] = LIGHTHOUSES + ANIMALS + PLACES + FORMS_AND_FLOWERS + FINALE
