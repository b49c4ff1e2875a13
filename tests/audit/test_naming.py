"""People are read from the file names of public data sets; a swap involves two."""

from __future__ import annotations

import pandas as pd
import pytest

from deepfake_core.audit.naming import family_of, read_people
from deepfake_core.audit.videos import read_videos


@pytest.mark.parametrize(
    ("stem", "said", "people"),
    [
        ("033_097", "FF_Deepfakes", ("ffpp:033", "ffpp:097")),
        ("033", "FaceForensics++ original", ("ffpp:033",)),
        ("033", "ffpp", ("ffpp:033",)),
        ("id3_id28_0003", "", ("celebdf:id3", "celebdf:id28")),
        ("id3_0001", "anything", ("celebdf:id3",)),
        ("00134", "YT_real", ("celebdf:00134",)),
        ("01_27__outside_talking_still_laughing__5Y31RZP8", "FF_DeepFakeDetection", ("dfd:01", "dfd:27")),
        ("01__exit_phone_room", "dfd", ("dfd:01",)),
        ("bwhlgysghg", "DFDC", ("dfdc:bwhlgysghg",)),
        ("557", "Custom_real", ("Custom:557",)),
        ("033_033", "ffpp", ("ffpp:033",)),
    ],
)
def test_people_in_a_name(stem, said, people):
    found = read_people(stem, said)
    assert found is not None
    assert found.people == people


@pytest.mark.parametrize(
    ("stem", "said"), [("bwhlgysghg", "mine"), ("clip-1", "ffpp"), ("staff_033_097", "ffpp"), ("12", "x")]
)
def test_other_names_say_nothing(stem, said):
    assert read_people(stem, said) is None


def test_family():
    assert [family_of(said) for said in ("FF_real", "Celeb_fake", "YT_real", "DFDC", "Custom_fake", "Custom_real", "staff")] == [
        "ffpp", "celebdf", "celebdf", "dfdc", "Custom", "Custom", "staff",
    ]  # fmt: skip


def people_of(tmp_path, **columns):
    path = tmp_path / "index.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    _, videos, found = read_videos(path, {}, "")
    return dict(zip(videos.ids, videos.people, strict=True)), {finding.kind for finding in found}


def test_a_fake_of_dfdc_inherits_the_people_of_its_original(tmp_path):
    ids = ["aaaaaaaaaa.mp4", "bbbbbbbbbb.mp4", "cccccccccc.mp4"]
    people, found = people_of(
        tmp_path, video_id=ids, label=[0, 1, 1], dataset="dfdc", original=["", "aaaaaaaaaa.mp4", ""]
    )
    assert list(people.values()) == [("dfdc:aaaaaaaaaa",), ("dfdc:aaaaaaaaaa",), ()]
    assert "people_unknown" in found


def test_a_single_identity_column_does_not_hide_the_second_person(tmp_path):
    people, _ = people_of(
        tmp_path,
        video_id=["FF_real__033.mp4", "FF_Deepfakes__033_097.mp4"],
        identity=["FF_person_033"] * 2,
        label=[0, 1],
    )
    assert people["FF_Deepfakes__033_097.mp4"] == ("ffpp:033", "ffpp:097")


def test_a_single_identity_column_is_better_than_nothing(tmp_path):
    people, found = people_of(tmp_path, video_id=["x", "y"], identity=["anna", "bert"], dataset="mine")
    assert list(people.values()) == [("anna",), ("bert",)]
    assert not found
