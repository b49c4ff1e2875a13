"""Are the two data sets about different people?"""

from __future__ import annotations

from itertools import product

import numpy as np

from deepfake_demo_dataset.people import CASTS, DEMO, OTHERS, SHAPE, person


def test_nobody_stands_in_both_data_sets() -> None:
    assert set(CASTS[DEMO]).isdisjoint(CASTS[OTHERS])


def test_nobodys_face_in_one_set_is_close_to_one_in_the_other() -> None:
    # Traits spread evenly over -1 to 1: two people differ by two thirds on average.
    traits = {
        dataset: np.array([[person(who).shape[trait] for trait in SHAPE] for who in people])
        for dataset, people in CASTS.items()
    }
    assert min(float(np.abs(a - b).mean()) for a, b in product(traits[DEMO], traits[OTHERS])) > 0.35


def test_nobody_has_the_colours_of_somebody_else() -> None:
    looks = [(each.skin, each.hair, each.shirt, each.wall) for people in CASTS.values() for each in map(person, people)]
    assert len(set(looks)) == len(looks)
