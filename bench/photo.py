"""A photo to measure with: noise and edges like a real one, so that it neither compresses nor decodes too easily."""

import io
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIDES = {"12 MP": (4000, 3000), "1600 px": (1600, 1200)}


def generated(width: int, height: int) -> bytes:
    """A JPEG of about 0.3 bytes per pixel (3 to 4 MB at 12 megapixels), turned by EXIF as phones do."""
    chance = random.Random(7)
    image = Image.effect_noise((width // 2, height // 2), 60).resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = chance.randrange(width), chance.randrange(height)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + width // 8, y + height // 8), outline=colour, width=width // 200)
    exif = Image.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(target, "JPEG", quality=82, exif=exif)
    return target.getvalue()


def chosen(photo: Path | None) -> dict[str, bytes]:
    """The photos by name: generated ones, or the operator's and what a phone would make of it."""
    if photo is None:
        return {name: generated(*size) for name, size in SIDES.items()}
    small = Image.open(photo)
    small.thumbnail((1600, 1600))
    target = io.BytesIO()
    small.convert("RGB").save(target, "JPEG", quality=82)
    return {photo.name: photo.read_bytes(), "1600 px": target.getvalue()}
