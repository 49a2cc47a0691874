// A live message: "DGL2", the header's length (uint32), a JSON header padded to 8 bytes, float64 scalars, float32 and uint8 arrays; the
// header names them all.

function decode(bytes) {
  const copy = bytes.slice(); // aligned
  const length = new DataView(copy.buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(8, 8 + length)));
  let at = 8 + length;
  const take = (Kind, n) => { const part = new Kind(copy.buffer, at, n); at += part.byteLength; return part; };
  const scalars = take(Float64Array, header.frames * header.scalars.length), scene = { ...header };
  for (const [name, n] of header.scene) scene[name] = take(Float32Array, n);
  const frames = Array.from({ length: header.frames }, (_, i) => Object.fromEntries(header.scalars.map((name, j) => [name, scalars[i * header.scalars.length + j]])));
  for (const [kind, Kind] of [["f4", Float32Array], ["u1", Uint8Array]]) {
    const arrays = header.arrays.filter((array) => array[2] === kind);
    for (const frame of frames) for (const [name, n] of arrays) frame[name] = take(Kind, n);
  }
  return { header, scene, frames };
}
