"""The diffusers engine around a tiny pipeline with random weights, built here: no download, no GPU."""

from __future__ import annotations

import base64
import io
import logging

import numpy as np
import pytest
from PIL import Image

from gpu.diffusion.engine import DiffusersEngine, manners_of
from gpu.engine import Key, Piece

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

TEXT = Key("text", 64, 64, 2, 0.0)
IMAGE = Key("image", 64, 64, 4, 0.0, 0.5)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A folder with a whole Stable Diffusion pipeline of 1 MB, its weights random but always the same."""
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    letters = sorted(ByteLevel.alphabet())
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    text = CLIPTextConfig(
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=len(words),
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        max_position_embeddings=77,
    )
    pipeline = StableDiffusionPipeline(
        tokenizer=CLIPTokenizer(vocab={w: i for i, w in enumerate(words)}, merges=[], model_max_length=77),
        text_encoder=CLIPTextModel(text),
        unet=UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(16, 32),
            layers_per_block=1,
            in_channels=4,
            out_channels=4,
            cross_attention_dim=32,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            norm_num_groups=8,
            attention_head_dim=8,
        ),
        vae=AutoencoderKL(
            block_out_channels=[8, 16, 16, 16],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=8,
            sample_size=64,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            timestep_spacing="trailing",
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-turbo"
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def engine(tiny_model):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    engine = DiffusersEngine(str(tiny_model), device="cpu", batch_limit=4, max_side=256)
    engine.load()
    yield engine
    torch.set_num_threads(threads)


def pixels(painting):
    return np.asarray(painting.image, np.int16)


def difference(one, other):
    return int(np.abs(pixels(one) - pixels(other)).max())


def test_it_takes_its_manners_from_the_models_name():
    assert (manners_of("stabilityai/sd-turbo").steps, manners_of("stabilityai/sd-turbo").guidance) == (4, 0.0)
    assert manners_of("/models/SDXL-Lightning").guidance == 0.0
    assert manners_of("sd-legacy/stable-diffusion-v1-5").guidance == 7.0


def test_a_loaded_model_tells_its_size_and_hides_its_path(engine, tiny_model):
    assert (engine.limits.width, engine.limits.height, engine.limits.steps) == (64, 64, 4)
    assert engine.model == "tiny-turbo"
    assert str(tiny_model.parent) not in engine.model


def test_it_paints_from_text(engine):
    [painting] = engine.paint(TEXT, [Piece("a lake", 7)])
    assert painting.image.size == (64, 64) and painting.image.mode == "RGB"
    assert pixels(painting).std() > 1


def test_sizes_need_not_be_square(engine):
    [painting] = engine.paint(Key("text", 96, 64, 1, 0.0), [Piece("a lake", 7)])
    assert painting.image.size == (96, 64)


def test_a_seed_means_the_same_picture_in_whatever_batch(engine):
    [alone] = engine.paint(TEXT, [Piece("a lake", 7)])
    batch = engine.paint(TEXT, [Piece("a hill", 3), Piece("a lake", 7), Piece("a lake", 8), Piece("a wood", 7)])
    assert difference(alone, batch[1]) <= 2
    assert difference(batch[1], batch[2]) > 10, "another seed gave the same picture"
    assert difference(batch[1], batch[3]) > 0, "another prompt gave the same picture"


def test_it_paints_from_an_image_and_strength_decides_how_far(engine):
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    pieces = [Piece("a lake", 7, start=start), Piece("a lake", 8, start=start)]
    weak = engine.paint(Key("image", 64, 64, 4, 0.0, 0.25), pieces)
    strong = engine.paint(Key("image", 64, 64, 4, 0.0, 1.0), pieces)
    assert difference(weak[0], strong[0]) > 0
    assert difference(weak[0], weak[1]) > 0


def test_painting_from_an_image_does_not_disturb_painting_from_text(engine):
    [before] = engine.paint(TEXT, [Piece("a lake", 7)])
    engine.paint(IMAGE, [Piece("a lake", 7, start=Image.new("RGB", (64, 64), "red"))])
    [after] = engine.paint(TEXT, [Piece("a lake", 7)])
    assert difference(before, after) <= 2


def test_a_negative_prompt_counts_when_there_is_guidance(engine):
    guided = Key("text", 64, 64, 2, 5.0)
    plain, negative = (engine.paint(guided, [Piece("a lake", 7, negative)])[0] for negative in ("", "boats"))
    assert difference(plain, negative) > 0


def test_a_long_prompt_is_painted_and_never_logged(engine, caplog, capfd):
    with caplog.at_level(logging.DEBUG, logger="gpu"):
        [painting] = engine.paint(TEXT, [Piece("confidential " * 100, 7)])
    assert painting.image.size == (64, 64)
    assert "confidential" not in caplog.text + "".join(capfd.readouterr())


def test_the_biggest_seed_is_taken(engine):
    assert engine.paint(TEXT, [Piece("a lake", 2**63 - 1)])


def test_weights_that_are_not_there_leave_the_service_broken(serve, tmp_path):
    (tmp_path / "empty").mkdir()
    client = serve(DiffusersEngine(str(tmp_path / "empty"), device="cpu"))
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})


def test_it_is_served_over_http_with_batches_of_seeds_and_a_start_image(engine, serve):
    client = serve(engine, encoding="png")
    start = io.BytesIO()
    Image.new("RGB", (40, 80), "teal").save(start, "PNG")
    asked = {"prompt": "a lake", "seeds": [1, 2, 3], "width": 64, "height": 64}
    plain = client.post("/v1/paint", json=asked)
    remix = client.post("/v1/paint", json=asked | {"init_image": base64.b64encode(start.getvalue()).decode()})
    for response in (plain, remix):
        assert response.status_code == 200, response.text
        assert response.json()["model"] == "tiny-turbo" and response.json()["batch_size"] == 3
        assert len({picture["image"] for picture in response.json()["pictures"]}) == 3
    assert client.post("/v1/paint", json=asked | {"width": 512}).status_code == 422
