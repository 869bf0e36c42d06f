"""Networks that fuse: what they begin as, learn on made-up people, and what their data must be."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from models.checkpoints import FUSION_PRESETS, network_from_checkpoint, read_checkpoint
from models.fusion import associative_tracklets, attentive_tracklets
from packs.checking import faults_of
from packs.fuser import FusionMethod, card_beside
from packs.fusers import FuserPack
from packs.manifest import Pack
from packs.spec import Modality
from training.__main__ import main
from training.data.associations import PARTS, SUBSETS, FilmTracklets, load_associations
from training.data.shards import DataError
from training.fuser import make_fuser, pairs_of, represented
from training.loop import Trainer
from training.losses.contrast import contrast
from training.recipe import AssociationRecipe, read_recipe
from training.tasks.association import AssociationTask, FusingNetwork, begin_with_isometries

ROOT = Path(__file__).parents[2]
RECIPES = {name: ROOT / "training" / "recipes" / f"{name}.toml" for name in ("association", "attention")}
NETWORKS: dict[str, Callable[[], FusingNetwork]] = {
    "association": associative_tracklets,
    "attention": attentive_tracklets,
}
PACK = Pack.load(ROOT / "packs" / "demo")
FACE, BODY = Modality.FACE, Modality.BODY


def film(name: str, seed: int, people: int = 10, each: int = 6, head_dim: int = 192) -> Tracklets:
    """Unclear faces look like one stranger; clothes are the person's in this film; the rest says little."""
    rng = np.random.default_rng(seed)
    count = people * each
    who = np.tile(np.arange(people), each)
    clear = rng.uniform(size=count) < 0.6
    quality = (0.3 * rng.uniform(size=count) + 0.7 * clear).astype(np.float32)
    rows: dict[Modality, ModalityRows] = {}
    for number, (modality, dim) in enumerate(PARTS):
        dim = head_dim if modality is Modality.HEAD else dim
        own = np.random.default_rng([number, seed if modality is BODY else 7]).normal(size=(people, dim))
        vectors = own[who] + 1.5 * rng.normal(size=(count, dim))
        if modality is BODY:
            # Of a body a quarter changes from moment to moment, the same quarter of everybody.
            vectors[:, :64] = 3.0 * rng.normal(size=(count, 64))
        if modality is FACE:
            stranger = np.random.default_rng(99).normal(size=dim)
            vectors = np.where(clear[:, None], own[who], stranger) + 0.5 * rng.normal(size=(count, dim))
        present = rng.uniform(size=count) < 0.9
        rows[modality] = ModalityRows.of(vectors, present, quality if modality is FACE else np.full(count, 0.5))
    starts = np.arange(count) * 1.5
    return Tracklets.of(
        [f"{name}/{row}" for row in range(count)],
        [name] * count,
        # The last of each round shows nobody of the truth.
        [None if one == people - 1 else f"cast/{one}" for one in who],
        rows,
        spans_s=np.stack([starts, starts + 1.0], axis=1),
        speaker=np.full(count, 0.5),
    )


def keep(folder: Path, name: str, tracklets: Tracklets, digest: str = PACK.digest) -> None:
    facts = {"films": {name: "0"}, "pack": {"name": "demo", "version": "0", "digest": digest}}
    write_search(folder / f"{name}.npz", CastSearch(name, tracklets, tracklets.take(np.arange(2))), facts)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read-backs")
    for seed, name in enumerate(("one", "two", "three")):
        keep(folder, name, film(name, seed))
    return folder


def small(name: str, steps: int = 50) -> AssociationRecipe:
    recipe = read_recipe(RECIPES[name])
    assert isinstance(recipe, AssociationRecipe)
    phase = recipe.phases[0].model_copy(update={"steps": steps, "batch": 24})
    fast = {"warmup_steps": 5, "average_decay": 0.8, "learning_rate": 3e-2 if name == "association" else 3e-3}
    optimiser = recipe.optimiser.model_copy(update=fast)
    return recipe.model_copy(update={"phases": (phase,), "optimiser": optimiser, "films": ("one", "two")})


def task(name: str, recipe: AssociationRecipe, data: Path) -> AssociationTask:
    torch.manual_seed(0)
    return AssociationTask(network=NETWORKS[name](), tracklets=load_associations(data, recipe.films), recipe=recipe)


def begun(name: str) -> FusingNetwork:
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    begin_with_isometries(network)
    return network


def test_read_backs_are_read(data: Path) -> None:
    found = load_associations(data, ["one", "two"])
    # A tenth shows nobody.
    assert (len(found), found.classes, found.pack) == (108, 9, PACK.digest)
    assert sorted(set(found.film.tolist())) == [0, 1]
    assert (found.quality[found.present == 0.0] == 0.0).all()
    voices = found.having((3,))
    # Half as good as it is long: it may be somebody else's.
    assert found.quality[voices, 3] == pytest.approx(np.full(len(voices), 0.25))


def test_pairs_are_compared_as_the_product_does(data: Path) -> None:
    found = load_associations(data, ["one", "two"])
    rows = np.arange(len(found))
    lasting, near = found.lasting(rows), found.near(rows, 20.0)
    assert not lasting.diagonal().any()
    assert (near <= lasting).all()
    assert not near[found.film[:, None] != found.film[None, :]].any()
    gaps = np.abs(found.spans_s[:, None, 0] - found.spans_s[None, :, 0]) - 1.0
    assert not near[gaps > 20.0].any()
    together = FilmTracklets(
        found.vectors, found.present, found.quality, found.identity, found.film,
        np.tile([0.0, 5.0], (len(found), 1)), found.on_screen, found.pack,
    )  # fmt: skip
    # Everybody is on screen at once in each film: they are as many people.
    assert not together.lasting(rows)[found.film[:, None] == found.film[None, :]].any()


@pytest.mark.parametrize("problem", ["missing", "garbage", "other pack", "other length", "one person"])
def test_bad_data_is_refused(problem: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "one", film("one", 0))
    told = "is not there"
    if problem == "garbage":
        (tmp_path / "two.npz").write_bytes(b"PK no")
        told = "is no file of tracklets"
    if problem == "other pack":
        keep(tmp_path, "two", film("two", 1), digest="f" * 64)
        told = "are of 2 packs"
    if problem == "other length":
        keep(tmp_path, "two", film("two", 1, head_dim=128))
        told = "head embeddings of length 128, expected 192"
    films = ["one", "two"]
    if problem == "one person":
        keep(tmp_path, "two", film("two", 1, people=2))
        films, told = ["two"], "show 1 people, expected two or more"
    with pytest.raises(DataError, match=told):
        load_associations(tmp_path, films)
    recipe = tmp_path / "r.toml"
    lines = RECIPES["association"].read_text().splitlines()
    recipe.write_text("\n".join(f"films = {json.dumps(films)}" if one.startswith("films") else one for one in lines))
    assert main(["run", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", NETWORKS)
def test_they_begin_with_the_cosines_of_the_embeddings(name: str, data: Path) -> None:
    network, tracklets = begun(name), load_associations(data, ["one"])
    for subset in SUBSETS:
        rows = tracklets.having(subset)
        together, weights = represented(network, tracklets, subset)
        assert together.shape[0] == len(rows)
        assert (weights[:, [m for m in range(4) if m not in subset]] == 0.0).all()
        assert weights.sum(axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
        if len(subset) == 1:
            raw = tracklets.vectors[subset[0]][rows]
            # Property (d) of methods.md 1.2: with a face alone, it is the plain search by faces.
            assert together @ together.T == pytest.approx(raw @ raw.T, abs=1e-5)


def test_a_face_alone_stays_the_face_after_training(data: Path, tmp_path: Path) -> None:
    recipe = small("association", steps=5)
    Trainer(task=task("association", recipe, data), recipe=recipe, out=tmp_path, say=lambda line: None).run()
    network = network_from_checkpoint(read_checkpoint(tmp_path / "weights.pt"), recipe.preset, FUSION_PRESETS)
    tracklets = load_associations(data, ["three"])
    together, weights = represented(network, tracklets, (0,))
    raw = tracklets.vectors[0][tracklets.having((0,))]
    assert weights[:, 0] == pytest.approx(np.ones(len(raw)))
    assert together @ together.T == pytest.approx(raw @ raw.T, abs=1e-4)


def taught(recipe: AssociationRecipe, data: Path, out: Path) -> torch.nn.Module:
    one = task("association", recipe, data)
    weights = Trainer(task=one, recipe=recipe, out=out, say=lambda line: None).run()
    return network_from_checkpoint(read_checkpoint(weights), recipe.preset, FUSION_PRESETS)


def test_the_gate_learns_whom_to_trust(data: Path, tmp_path: Path) -> None:
    after = taught(small("association"), data, tmp_path)
    unseen = load_associations(data, ["three"])
    # Two faces of five are the stranger's: bodies tell more.
    first, last = (represented(one, unseen, (0, 2))[1][:, 0].mean() for one in (begun("association"), after))
    assert last < first - 0.05


def test_maps_learn_to_tell_bodies_apart(tmp_path: Path) -> None:
    for seed, name in enumerate(("one", "two", "three")):
        keep(tmp_path, name, film(name, 50 + seed, people=30, each=4))
    recipe = small("association", steps=100)
    slow = recipe.optimiser.model_copy(update={"learning_rate": 1e-3})
    wide = recipe.phases[0].model_copy(update={"batch": 48})
    recipe = recipe.model_copy(update={"maps_from": 0, "optimiser": slow, "phases": (wide,)})
    before, after = begun("association"), taught(recipe, tmp_path, tmp_path / "run")

    def apart(network: torch.nn.Module, films: Sequence[str]) -> float:
        pairs = pairs_of(network, load_associations(tmp_path, films), (2,), 60.0)
        other = pairs.cosine[~pairs.same]
        return float((pairs.cosine[pairs.same].mean() - other.mean()) / other.std())

    assert apart(after, recipe.films) > 1.8 * apart(before, recipe.films)
    # What is learned by heart of so few must not be paid for by everybody else.
    assert apart(after, ["three"]) > 0.95 * apart(before, ["three"])


def test_attention_learns_too(data: Path, tmp_path: Path) -> None:
    recipe = small("attention", steps=40).model_copy(update={"learns": tuple(str(modality) for modality, _ in PARTS)})
    one = task("attention", recipe, data)
    begin = [one.losses(one.make_batch(step), 0)["identity"].item() for step in range(6)]
    Trainer(task=one, recipe=recipe, out=tmp_path, say=lambda line: None).run()
    end = [one.losses(one.make_batch(step), 0)["identity"].item() for step in range(6)]
    assert np.mean(end) < 0.5 * np.mean(begin)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_killed_run_goes_on_as_if_it_had_not_been(name: str, data: Path, tmp_path: Path) -> None:
    recipe = small(name, steps=5).model_copy(update={"maps_from": 2})
    for out, stops in ((tmp_path / "whole", (None,)), (tmp_path / "twice", (3, None))):
        for until in stops:
            trainer = Trainer(task=task(name, recipe, data), recipe=recipe, out=out, say=lambda line: None)
            trainer.run(until=until)
    whole, twice = (read_checkpoint(tmp_path / run / "weights.pt").weights for run in ("whole", "twice"))
    assert all(torch.equal(whole[key], twice[key]) for key in whole)


def test_maps_are_kept_until_their_step(data: Path) -> None:
    recipe = small("association").model_copy(update={"maps_from": 2})
    one = task("association", recipe, data)
    for step, learns in ((1, False), (2, True)):
        one.trained.zero_grad(set_to_none=True)
        torch.stack(list(one.losses(one.make_batch(step), step).values())).sum().backward()
        taught = [any(p.grad is not None for p in layers.parameters()) for layers in one.maps]
        assert taught == [False, learns, learns, False]
        assert all(p.grad is not None for p in one.network.gate.parameters())


def test_contrast_is_the_formula() -> None:
    torch.manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(7, 5), dim=1)
    labels = torch.tensor([0, 0, 1, 1, 0, 2, 2])
    comparable = torch.ones(7, 7, dtype=torch.bool)
    comparable[4], comparable[:, 4] = False, False
    comparable[5, 6] = comparable[6, 5] = False
    terms = []
    for i in range(7):
        others = [j for j in range(7) if j != i and comparable[i, j]]
        right = [j for j in others if labels[j] == labels[i]]
        if right and len(right) < len(others):
            logits = {j: float(vectors[i] @ vectors[j]) / 0.2 for j in others}
            total = np.log(sum(np.exp(one) for one in logits.values()))
            terms.append(-np.mean([logits[j] - total for j in right]))
    assert len(terms) == 4
    found = contrast(vectors, labels, comparable, temperature=0.2)
    assert found.item() == pytest.approx(np.mean(terms), abs=1e-5)
    assert contrast(vectors, labels, torch.zeros_like(comparable), temperature=0.2).item() == 0.0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fuser_is_calibrated_and_written(name: str, data: Path, tmp_path: Path) -> None:
    recipe = small(name, steps=2)
    run = Trainer(task=task(name, recipe, data), recipe=recipe, out=tmp_path / "run", say=lambda line: None).run()
    out, lines = tmp_path / "deep" / "fuser.onnx", list[str]()
    card = make_fuser(run, data, ["three"], out, pack=PACK, window_s=60.0, say=lines.append)
    assert card == card_beside(out)
    assert card.name == {"association": "associative", "attention": "MMA"}[name]
    found = {one.modalities: one.calibration for one in card.calibrations}
    # Nobody trained the maps, so that faces mean what they mean in the pack.
    assert found[(FACE,)] == PACK.calibration[FACE]
    assert found[(FACE, BODY)].slope > 0.0
    tracklets = load_associations(data, ["three"])
    network = network_from_checkpoint(read_checkpoint(run), recipe.preset, FUSION_PRESETS)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    inputs = {"present": tracklets.present, "quality": tracklets.quality}
    inputs |= {str(modality): rows for (modality, _), rows in zip(PARTS, tracklets.vectors, strict=True)}
    taken = {node.name for node in session.get_inputs()}
    assert taken == set(inputs) - ({"quality"} if name == "attention" else set())
    together, weights = session.run(["together", "weights"], {key: inputs[key] for key in taken})
    with torch.inference_mode():
        wanted = network(*(torch.from_numpy(one) for one in inputs.values()))
    assert together == pytest.approx(wanted.together.numpy(), abs=1e-4)
    assert (weights[tracklets.present == 0.0] == 0.0).all()


def test_a_fuser_needs_films_of_its_pack_with_pairs(data: Path, tmp_path: Path) -> None:
    recipe = small("association", steps=1)
    one = task("association", recipe, data)
    run = Trainer(task=one, recipe=recipe, out=tmp_path, say=lambda line: None).run()
    how = {"pack": PACK, "window_s": 60.0, "say": lambda line: None}
    keep(tmp_path, "few", film("few", 5, people=4, each=2))
    with pytest.raises(DataError, match="fewer than 50 pairs"):
        make_fuser(run, tmp_path, ["few"], tmp_path / "f.onnx", **how)
    keep(tmp_path, "other", film("other", 5), digest="e" * 64)
    with pytest.raises(DataError, match="are of the pack eeeeeeeeeeee"):
        make_fuser(run, tmp_path, ["other"], tmp_path / "f.onnx", **how)
    assert not (tmp_path / "f.onnx").exists()


def test_a_pack_of_both_networks(data: Path, tmp_path: Path) -> None:
    weights = []
    for name in NETWORKS:
        recipe = small(name, steps=3)
        run = Trainer(task=task(name, recipe, data), recipe=recipe, out=tmp_path / name, say=lambda line: None)
        weights.append(str(run.run()))
    made = tmp_path / "pack"
    words = ["fusers", "--weights", *weights, "--data", data, "--films", "three", "--out", made]
    assert main([*map(str, words), "--pack", str(PACK.directory), "--version", "0.7.1"]) == 0
    found = FuserPack.load(made)
    assert faults_of(made) == []
    assert found.pack.version == "0.7.1"
    assert found.goes_with(PACK)
    assert found.fusers.keys() == {FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION}
    for fuser in found.fusers.values():
        # Half of what the network has in float32, and no keys.
        session = onnxruntime.InferenceSession(str(found.pack.file_of(fuser.spec)))
        rng = np.random.default_rng(3)
        feed = {one.name: rng.normal(size=(5, *one.shape)).astype(np.float32) for one in fuser.spec.inputs}
        feed["present"] = np.array([[1, 0, 1, 0]] * 5, np.float32)
        together, shares = session.run(["together", "weights"], feed)
        assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-4)
        assert (shares[:, [1, 3]] == 0.0).all()
        assert [one.name for one in session.get_outputs()] == ["together", "weights"]
    assert "even odds" in (made / "CARD.md").read_text()
