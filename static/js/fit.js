// How small a photo must be for a bad line, found by its result: the quality gives way first, down to a floor, then the
// size. Pure: the caller draws and encodes.

const LONGEST = 2048; // px; what stands around a number plate can still be read
const LEAST_LONGEST = 1024;
const LARGEST = 320_000; // bytes; with its words and every header a report stays below 350 KB
export const LARGEST_AGAIN = 336_000; // for what was fitted before: it keeps its pixels
const BEST = 0.82;
const FLOOR = 0.62; // below it edges begin to crumble, and fewer pixels are the better loss
const MARGIN = 0.97;

/** {width, height} of a picture turned down to what is sent at most. */
export function within({ width, height }, longest = LONGEST) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The best that is small enough, or the smallest there is. `encode(size, quality)` promises a Blob. */
export async function fitted(encode, size, largest = LARGEST) {
  const best = await encode(size, BEST);
  if (best.size <= largest) return best;
  const least = await encode(size, FLOOR);
  if (least.size > largest) return fewerPixels(encode, size, largest, least);
  const share = (MARGIN * largest - least.size) / (best.size - least.size); // a chord above the curve, nearly always
  const between = await encode(size, FLOOR + share * (BEST - FLOOR));
  return between.size <= largest ? between : least;
}

async function fewerPixels(encode, size, largest, least) {
  const longest = Math.max(size.width, size.height);
  const wanted = Math.max(LEAST_LONGEST, Math.floor(longest * Math.sqrt(largest / least.size) * MARGIN));
  if (least.size <= largest || wanted >= longest) return least;
  const smaller = within(size, wanted);
  return fewerPixels(encode, smaller, largest, await encode(smaller, FLOOR));
}
