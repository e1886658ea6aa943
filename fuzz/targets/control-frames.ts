/** What a cell sends on the control socket: any bytes give frames or one refusal, however they are cut into chunks [W1, W3]. */
import { assert, isCellError } from '../../src/base/errors.ts';
import { CellFrameDecoder } from '../../src/wire/cell-control.ts';

function frame(type: number, id: number, ...payload: number[]): number[] {
  return [payload.length + 5, 0, 0, 0, type, id, 0, 0, 0, ...payload];
}

const exit = [0, 7, 0, 0, 0, 0, ...Array.from({ length: 32 }, (_, i) => i)];
export const seeds = [
  Uint8Array.from(frame(1, 0, ...Buffer.from('version\t1\nCapEff:\t0\n'))),
  Uint8Array.from([...frame(2, 1, 4, 0, 0, 0), ...frame(4, 1, 0, 65, 66), ...frame(5, 1, 0), ...frame(6, 1, ...exit)]),
  Uint8Array.from([...frame(3, 1, 2, 2, 0, 0, 0), ...frame(7, 1, 0, 1, 0, 0), ...frame(8, 2), ...frame(9, 3, 1, 2), ...frame(10, 3), ...frame(11, 3, 2, 0, 0, 0)]),
  Uint8Array.from(frame(12, 3, 102, 1, 0, 0, 0, 0, 0, 0, 0, 97, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 98, 0)),
];

/** The frames of a stream in one text, streamed pieces joined; what refused it at the end. */
function read(bytes: Uint8Array, chunk: number): { frames: string; refused: boolean } {
  const decoder = new CellFrameDecoder();
  const frames: string[] = [];
  let refused = false;
  for (let at = 0; at < bytes.byteLength && !refused; at += chunk) {
    try {
      for (const one of decoder.push(bytes.subarray(at, at + chunk))) {
        if (one.type === 'data' || one.type === 'file-data') {
          // Content may come in pieces: only its bytes and its order count.
          const key = `${one.type} ${one.id} ${one.type === 'data' ? one.stream : ''}:`;
          const last = frames.at(-1);
          const hex = Buffer.from(one.data).toString('hex');
          if (last?.startsWith(key)) frames[frames.length - 1] = last + hex;
          else if (hex !== '') frames.push(key + hex);
        } else frames.push(JSON.stringify(one, (_, value: unknown) => (value instanceof Map ? [...value] : value)));
      }
    } catch (error) {
      if (!isCellError(error, 'backend.protocol')) throw error;
      refused = true;
    }
  }
  return { frames: frames.join('\n'), refused };
}

export default function controlFrames(bytes: Uint8Array): void {
  const [whole, ...cut] = [bytes.byteLength + 1, 1, 3, 7].map((chunk) => read(bytes, chunk));
  for (const other of cut) {
    assert(whole?.refused === other.refused, 'any chunking refuses the same streams');
    // A refusal in the middle of a chunk takes the frames before it in that chunk along.
    assert(whole.refused ? other.frames.startsWith(whole.frames) : whole.frames === other.frames, 'any chunking gives the same frames');
  }
}
