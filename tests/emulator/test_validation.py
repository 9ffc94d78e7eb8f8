"""What is refused at once, with which words; and what is let through although it is wrong."""

import base64
import io

import pytest
from PIL import Image

LITE_I2V = "doubao-seedance-1-0-lite-i2v-250428"
LITE_T2V = "doubao-seedance-1-0-lite-t2v-250428"
PRO_1_0 = "doubao-seedance-1-0-pro-250528"
FAST_1_0 = "doubao-seedance-1-0-pro-fast-251015"
PRO_1_5 = "doubao-seedance-1-5-pro-251215"
SECOND = "doubao-seedance-2-0-260128"
OMNI = "doubao-seedance-2-5-260628"


def image(role=None, url="https://host/a.png"):
    item = {"type": "image_url", "image_url": {"url": url}}
    return item if role is None else {**item, "role": role}


def video(role="reference_video", url="https://host/a.mp4"):
    return {"type": "video_url", "video_url": {"url": url}, "role": role}


def audio(role="reference_audio", url="https://host/a.mp3"):
    return {"type": "audio_url", "audio_url": {"url": url}, "role": role}


def picture(width, height):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def refusal(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]


# -- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", ["doubao-seedance-1-5-pro", "gpt-4", "", 7], ids=["no date", "another", "empty", "number"]
)
def test_unknown_model_is_refused(ark, model):
    response = ark.create(model=model)

    assert response.status_code in (400, 404)
    assert response.json()["error"]["code"] in ("InvalidEndpointOrModel.NotFound", "MissingParameter")


def test_model_that_is_not_activated_has_its_own_code(emulator, ark):
    emulator.configure(closed_models=[OMNI])

    response = ark.create(model=OMNI)

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "ModelNotOpen"


@pytest.mark.parametrize(
    "model", ["seedance-1-5-pro-251215", "dreamina-seedance-2-5-260628", "dreamina-seedance-2-0-mini-260615"]
)
def test_international_ids_are_known(ark, model):
    assert ark.create(model=model).status_code == 200


# -- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"duration": 3}, "duration", "must be greater than or equal to 4 for model doubao-seedance-1-5-pro in t2v"),
        ({"duration": 13}, "duration", "must be less than or equal to 12 for model doubao-seedance-1-5-pro in t2v"),
        ({"duration": 0}, "duration", "the parameter duration specified in the request is not valid for model"),
        ({"duration": -1, "model": PRO_1_0}, "duration", "not valid for model doubao-seedance-1-0-pro in t2v"),
        ({"duration": "5"}, "duration", "cannot unmarshal"),
        ({"watermark": "true"}, "watermark", "cannot unmarshal"),
        ({"seed": True}, "seed", "cannot unmarshal"),
        ({"resolution": "4k"}, "resolution", "the parameter resolution specified in the request is not valid"),
        ({"resolution": "720P"}, "resolution", "the parameter resolution"),
        ({"ratio": "5:4"}, "ratio", "the parameter ratio specified in the request is not valid"),
        ({"ratio": "adaptive", "model": PRO_1_0}, "ratio", "the parameter ratio"),
        ({"camera_fixed": True, "model": SECOND}, "camera_fixed", "the parameter camera_fixed"),
        ({"frames": 30, "model": PRO_1_0}, "frames", "the parameter frames"),
        ({"frames": 293, "model": PRO_1_0}, "frames", "the parameter frames"),
        ({"output_format": "mov"}, "output_format", "the parameter output_format"),
        ({"output_format": "avi", "model": OMNI}, "output_format", "the parameter output_format"),
        ({"execution_expires_after": 60}, "execution_expires_after", "the parameter execution_expires_after"),
        ({"draft": True, "resolution": "720p"}, "", "draft requires 480p"),
        ({"draft": True, "model": SECOND}, "draft", "the parameter draft is not supported"),
        ({"draft": True, "return_last_frame": True}, "return_last_frame", "not valid in draft mode"),
        ({"draft": True, "service_tier": "flex"}, "service_tier", "not valid in draft mode"),
        ({"prompt": "A cat --dur 99"}, "contents[0].text.duration", "must be less than or equal to 12"),
        ({"prompt": "A cat --dur long"}, "contents[0].text.duration", "the parameter duration"),
        ({"prompt": "A cat --rs 8k"}, "contents[0].text.resolution", "the parameter resolution"),
        ({"prompt": "--ratio 16:9"}, "content", "text content must contain a prompt description"),
        ({"omni_reference_task_type": "paint", "model": OMNI}, "omni_reference_task_type", "omni_reference"),
        ({"omni_reference_task_type": "edit", "model": OMNI}, "omni_reference_task_type", "determined as video edit"),
    ],
)
def test_bad_parameter_is_refused(ark, fields, param, words):
    error = refusal(ark.create(**fields))

    assert error["code"].startswith("InvalidParameter")
    assert error["param"] == param
    assert words in error["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"resolution": "4K", "model": SECOND},
        {"resolution": "4k", "model": SECOND},
        {"service_tier": "anything"},
        {"priority": 99, "model": SECOND},
        {"seed": 5, "model": SECOND},
        {"output_format": "mov", "model": OMNI},
        {"duration": 15, "model": SECOND},
        {"duration": 30, "model": OMNI},
        {"duration": 2, "model": PRO_1_0},
        {"frames": 289, "model": PRO_1_0},
        {"camera_fixed": False, "model": SECOND},
        {"ratio": "21:9"},
        {"prompt": "A cat --ratio 99:1 --seed many --cf maybe"},
    ],
)
def test_parameter_passes(ark, fields):
    response = ark.create(**fields)

    assert response.status_code == 200, response.text


# -- content ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "missing `content`"),
        ("[]", "cannot unmarshal"),
        ([], "must not be empty"),
        (["A cat"], "cannot unmarshal"),
        ([{"type": "image", "url": "https://host/a.png"}], "supported values are: text, image_url, audio_url"),
        ([{"type": "text"}], "expected a string"),
        ([{"type": "text", "text": "  "}], "text content must contain a prompt description"),
        ([{"type": "image_url", "image_url": "https://host/a.png"}], "cannot unmarshal"),
        ([{"type": "image_url", "image_url": {}}], "missing"),
        ([image("start_frame")], "invalid role specified for image content"),
        ([image(), image()], "role must be specified for image contents"),
        ([image("first_frame"), image()], "role must be specified for image contents"),
        (
            [image("first_frame"), image("first_frame")],
            "expected at most one first frame image content but got 2 instead",
        ),
        ([image("last_frame")], "requires a first frame"),
        ([image("first_frame"), image("reference_image")], "cannot be mixed with reference media content"),
        ([image("first_frame"), video()], "cannot be mixed with reference media content"),
        ([image("reference_image"), image()], "requires image role to be reference_image"),
        ([video("")], "requires video role to be reference_video"),
        ([audio("first_frame")], "requires audio role to be reference_audio"),
        ([{"type": "draft_task", "draft_task": {"id": "x"}}, {"type": "text", "text": "A"}], "must be the only"),
        ([{"type": "draft_task", "draft_task": {"id": "cgt-unknown"}}], "draft task not found"),
    ],
)
def test_bad_content_is_refused(ark, content, words):
    error = refusal(ark.post({"model": SECOND, "content": content}))

    assert words in error["message"]


@pytest.mark.parametrize(
    ("model", "content", "words"),
    [
        (FAST_1_0, [image("first_frame"), image("last_frame")], "does not support last frame image"),
        (LITE_T2V, [image()], "the specified task_type i2v does not support model"),
        (LITE_I2V, [], "the specified task_type t2v does not support model"),
        (
            PRO_1_5,
            [image("reference_image")],
            "the specified task_type r2v does not support model doubao-seedance-1-5-pro",
        ),
        (LITE_I2V, [video()], "does not support video content"),
        (SECOND, [audio()], "audio content must come with"),
    ],
)
def test_mode_that_the_model_lacks_is_refused(ark, model, content, words):
    error = refusal(ark.create(model=model, media=content))

    assert words in error["message"]


@pytest.mark.parametrize(
    ("model", "content"),
    [
        (PRO_1_5, [image()]),
        (PRO_1_5, [image("first_frame"), image("last_frame")]),
        (LITE_I2V, [image("reference_image")] * 4),
        (SECOND, [image("reference_image"), video(), audio()]),
        (SECOND, [image("reference_image")] * 64),
        (OMNI, [audio()]),
        (OMNI, [image("first_frame", "asset://abc")]),
    ],
    ids=["first frame", "first and last", "references", "mixed", "too many", "audio alone", "asset"],
)
def test_content_passes(ark, model, content):
    response = ark.create(model=model, media=content)

    assert response.status_code == 200, response.text


def test_content_may_be_an_image_without_text(ark):
    response = ark.post({"model": PRO_1_5, "content": [image()]})

    assert response.status_code == 200


def test_first_frame_forces_the_ratio_on_the_newest_model(ark):
    error = refusal(ark.create(model=OMNI, media=[image()], ratio="16:9"))

    assert "the output ratio follows the first-frame image" in error["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"ratio": "16:9"}, "ratio must be adaptive"), ({"duration": 5}, "duration must be -1")],
    ids=["ratio", "duration"],
)
def test_edit_task_is_bound_to_its_source(ark, fields, words):
    error = refusal(ark.create(model=OMNI, media=[video()], omni_reference_task_type="edit", **fields))

    assert error["code"] == "InvalidParameter.TaskTypeConstraint"
    assert words in error["message"]


def test_small_reference_model_has_no_largest_picture(ark):
    error = refusal(ark.create(model=LITE_I2V, media=[image("reference_image")], resolution="1080p"))

    assert error["param"] == "resolution"


# -- media -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (image(url="ftp://host/a.png"), "invalid url"),
        (image(url="/a.png"), "invalid url"),
        (image(url="https://media.invalid/a.png"), "resource download failed"),
        (image(url="data:image/PNG;base64,AAAA"), "with the format in lower case"),
        (image(url="data:image/svg+xml;base64,AAAA"), "expected a base64 data url"),
        (image(url="data:image/png;base64,***"), "illegal base64"),
        (image(url="data:image/png;base64,AAAA"), "could not be decoded"),
        (image(url=picture(200, 400)), "sides must be 300 to 6000"),
        (image(url=picture(900, 300)), "aspect ratio must be 0.4 to 2.5"),
        (video(url="data:video/mp4;base64,AAAA"), "reference_video must be provided as a web url"),
        (audio(url="data:image/png;base64,AAAA"), "expected a base64 data url such as data:audio"),
    ],
)
def test_bad_medium_is_refused_by_its_place(ark, item, words):
    error = refusal(ark.create(model=OMNI, media=[item]))

    assert words in error["message"]
    assert error["param"] == f"content[1].{item['type']}"


def test_geometry_can_be_left_unchecked(emulator, ark):
    emulator.configure(check_geometry=False)

    response = ark.create(media=[image(url=picture(2, 2))])

    assert response.status_code == 200


def test_adaptive_ratio_follows_the_first_frame(emulator, ark):
    task_id = ark.create(media=[image(url=picture(400, 600))], ratio="adaptive").json()["id"]

    emulator.finish()

    assert ark.show(task_id)["ratio"] == "3:4"


def test_loopback_media_are_fetched_when_configured(emulator, ark):
    emulator.configure(fetch_media=True)

    error = refusal(ark.create(media=[image(url=f"{emulator.url}/nothing.png")]))

    assert "resource download failed" in error["message"]


def test_loopback_media_that_are_there_pass(emulator, ark, finished):
    emulator.configure(fetch_media=True)
    frame = finished(return_last_frame=True)["content"]["last_frame_url"]

    response = ark.create(media=[image(url=frame)])

    assert response.status_code == 200, response.text
    assert emulator.requests[-1].path.endswith(".png")


def test_loopback_media_that_nobody_serves_are_refused(emulator, ark):
    emulator.configure(fetch_media=True)

    error = refusal(ark.create(media=[image(url="http://127.0.0.1:9/a.png")]))

    assert "resource download failed" in error["message"]


def test_other_media_are_never_fetched(emulator, ark):
    emulator.configure(fetch_media=True)

    assert ark.create(media=[image(url="http://192.0.2.1/a.png")]).status_code == 200


def test_medium_over_its_size_limit_is_refused(ark):
    sound = "data:audio/mp3;base64," + base64.b64encode(bytes(15 * 2**20 + 1)).decode()

    error = refusal(ark.create(model=OMNI, media=[audio(url=sound)]))

    assert "must be less than 15 MB" in error["message"]


@pytest.mark.parametrize("url", ["http://[bad", "https://", "asset://", "data:"])
def test_malformed_address_is_refused(ark, url):
    refusal(ark.create(media=[image(url=url)]))
