// A line so small that it stands in a row of text: which way something went, no more.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, EDGE] = [84, 22, 3];

/**
 * The pieces between gaps, each a list of [index, value].
 * @param {(number | null)[]} values
 */
function pieces(values) {
  /** @type {[number, number][]} */
  let piece = [];
  const found = [piece];
  values.forEach((value, index) => {
    if (value != null) piece.push([index, value]);
    else {
      piece = [];
      found.push(piece);
    }
  });
  return found.filter((one) => one.length);
}

/**
 * The line of these values, the oldest first; nothing for fewer than two. Who reads by ear has the numbers beside it.
 * @param {(number | null)[]} values
 */
export function spark(values = []) {
  const known = values.flatMap((value) => value ?? []);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (index) => EDGE + ((WIDTH - 2 * EDGE) * index) / (values.length - 1);
  const y = (value) => (high > low ? HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (value - low)) / (high - low) : HEIGHT / 2);
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value));
  for (const piece of pieces(values)) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", piece.map(([index, value]) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" "));
    svg.append(line);
  }
  const end = document.createElementNS(SVG, "circle");
  end.setAttribute("cx", x(values.length - 1 - [...values].reverse().findIndex((value) => value != null)).toFixed(1));
  end.setAttribute("cy", y(known[known.length - 1]).toFixed(1));
  end.setAttribute("r", "2.5");
  svg.append(end);
  return svg;
}
