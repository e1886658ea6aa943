/** BLAKE3, plain hash with 256 bits of output. Pure; for the rows of the reference's audit chain, which are small. */
import { type Bytes, toHex } from './bytes.ts';

const IV = Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8] as const;
/** State words mixed by each of the eight quarter rounds of one round: columns, then diagonals. */
const MIXES = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] as const;
const BLOCK_BYTES = 64;
const CHUNK_BYTES = 1024;
const ROUNDS = 7;
const FLAG = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const;

const word = (words: Uint32Array, at: number): number => words[at] ?? 0;
const rotate = (value: number, bits: number): number => (value >>> bits) | (value << (32 - bits));

function mix(state: Uint32Array, [a, b, c, d]: readonly [number, number, number, number], x: number, y: number): void {
  state[a] = word(state, a) + word(state, b) + x;
  state[d] = rotate(word(state, d) ^ word(state, a), 16);
  state[c] = word(state, c) + word(state, d);
  state[b] = rotate(word(state, b) ^ word(state, c), 12);
  state[a] = word(state, a) + word(state, b) + y;
  state[d] = rotate(word(state, d) ^ word(state, a), 8);
  state[c] = word(state, c) + word(state, d);
  state[b] = rotate(word(state, b) ^ word(state, c), 7);
}

interface Node {
  readonly chaining: Uint32Array;
  readonly block: Uint32Array;
  readonly counter: number;
  readonly size: number;
  readonly flags: number;
}

function compress({ chaining, block, counter, size, flags }: Node): Uint32Array {
  const state = new Uint32Array(16);
  state.set(chaining.subarray(0, 8));
  state.set(IV.subarray(0, 4), 8);
  state[12] = counter >>> 0;
  state[13] = Math.floor(counter / 2 ** 32);
  state[14] = size;
  state[15] = flags;
  let message = block;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, words] of MIXES.entries()) mix(state, words, word(message, 2 * at), word(message, 2 * at + 1));
    message = Uint32Array.from(PERMUTATION, (from) => word(message, from));
  }
  return Uint32Array.from({ length: 8 }, (_, at) => word(state, at) ^ word(state, at + 8));
}

function blockWords(bytes: Bytes): Uint32Array {
  const words = new Uint32Array(16);
  bytes.forEach((byte, at) => {
    words[at >> 2] = word(words, at >> 2) | (byte << (8 * (at & 3)));
  });
  return words;
}

/** The last node of a chunk, not compressed yet: it may be the root. */
function chunkNode(chunk: Bytes, counter: number): Node {
  let chaining: Uint32Array = IV;
  for (let at = 0; ; at += BLOCK_BYTES) {
    const last = at + BLOCK_BYTES >= chunk.byteLength;
    const bytes = chunk.subarray(at, at + BLOCK_BYTES);
    const node: Node = { chaining, block: blockWords(bytes), counter, size: bytes.byteLength, flags: (at === 0 ? FLAG.chunkStart : 0) | (last ? FLAG.chunkEnd : 0) };
    if (last) return node;
    chaining = compress(node);
  }
}

/** Left subtrees are the largest power of two of chunks that leaves something to the right. */
function treeNode(bytes: Bytes, firstChunk: number): Node {
  if (bytes.byteLength <= CHUNK_BYTES) return chunkNode(bytes, firstChunk);
  const chunks = Math.ceil(bytes.byteLength / CHUNK_BYTES);
  let left = 1;
  while (left * 2 < chunks) left *= 2;
  const block = new Uint32Array(16);
  block.set(compress(treeNode(bytes.subarray(0, left * CHUNK_BYTES), firstChunk)));
  block.set(compress(treeNode(bytes.subarray(left * CHUNK_BYTES), firstChunk + left)), 8);
  return { chaining: IV, block, counter: 0, size: BLOCK_BYTES, flags: FLAG.parent };
}

/** 64 lowercase hex digits. */
export function blake3Hex(bytes: Bytes): string {
  const root = treeNode(bytes, 0);
  const words = compress({ ...root, flags: root.flags | FLAG.root });
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  for (const [at, value] of words.entries()) view.setUint32(at * 4, value, true);
  return toHex(out);
}
