"""The conformance kit passes a good stream, and fails one that breaks a promise."""

from __future__ import annotations

import pytest

from tests.conftest import TOY, install, use_site

pytest_plugins = ["pytester"]

TEST = """
import pytest
from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance


class TestToy(StreamConformance):
    name = "toy"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("videos")
        records = []
        for n in range(8):
            path = folder / f"{n}.mp4"
            path.write_text(f"{n / 10}")
            records.append(VideoRecord(f"v{n}", path, n % 2, "toy", "m", (f"p{n // 2}",)))
        return records
"""


@pytest.fixture
def run_kit(pytester, tmp_path, monkeypatch):
    """Runs the kit on the toy with some of its source replaced."""

    def run(*changes: tuple[str, str], only: str = "test") -> pytest.RunResult:
        source = (TOY / "toy_stream.py").read_text()
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        site = install(
            tmp_path / "site",
            distribution="deepfake-toy",
            modules={"toy_stream.py": source},
            entry_points="[deepfake_core.streams]\ntoy = toy_stream\n",
        )
        use_site(monkeypatch, site)
        pytester.makepyfile(TEST)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-k", only)

    return run


def test_a_good_stream_passes(run_kit):
    run_kit().assert_outcomes(passed=26, skipped=1)


REAL_ONLY = (
    ("parallel_folds=True,", "parallel_folds=True, real_only=True,"),
    ("float(text.split()[0])", "float(text.split()[0]) + 0.4 * video.pseudo"),
)


def test_a_stream_that_makes_pseudo_fakes_passes(run_kit):
    run_kit(*REAL_ONLY, ('extractor="toy"', 'extractor="blend" if video.pseudo else "toy"')).assert_outcomes(passed=27)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (('"toy", version', '"blend" if video.pseudo else "toy", version'), ("0.4 *", "time.time_ns() *")),
    ],
    ids=["the real clip again", "another one each time"],
)
def test_pseudo_fakes_that_arent(run_kit, changes):
    result = run_kit(*REAL_ONLY, *changes)
    result.stdout.fnmatch_lines(["*test_pseudo_fakes_are_other_clips_and_always_the_same*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (('"demo": ToySettings()', '"test": ToySettings()'), "test_presets_are_those_that_users_know"),
        (('description="width of the slope"', "description=None"), "test_settings_are_described"),
        (("version=1, settings=Settings()", "version=os.getpid() + len(os.urandom(1)) + __import__('time').time_ns(), settings=Settings()"), "test_extraction_is_kept"),
        (("raise VideoUnreadable(", "raise ValueError("), "test_unusable_file_becomes_a_status"),
        (("x = np.array([_number(clip) for clip in clips.values()])", "x = np.array([_number(clip) for clip in clips.values()]); x = x - x.mean()"), "test_one_clip_alone_scores_as_among_others"),
        (("log.artifact(folder", "(folder / 'note.json').write_bytes(__import__('pickle').dumps(1)); log.artifact(folder"), "test_model_holds_nothing_that_unpickles"),
        (('"""Settings of the toy."""', "digest = 'always the same'"), "test_every_setting_counts_in_the_digest"),
        (("for v in fold.train if v.label == label]) for label in (0, 1)]", "for v in fold.train if v.label == label]) + hash(str(work_dir)) / 2**62 for label in (0, 1)]"), "test_held_out_labels_do_not_matter"),
        (("float(np.mean(means))", "float(np.mean(means) + np.random.default_rng().normal())"), "test_same_seed_gives_the_same_model"),
    ],
)  # fmt: skip
def test_a_broken_promise_is_named(run_kit, change, check):
    result = run_kit(change, only=check)
    result.stdout.fnmatch_lines([f"*{check}*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
