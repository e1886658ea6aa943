import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkPipe } from './chunk-pipe.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ChunkPipe', () => {
  it('hands on every byte in order, and never holds much more than its bound [P1]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 }), fc.nat(64), async (parts, max) => {
        const pipe = new ChunkPipe(max);
        const largest = Math.max(0, ...parts.map((part) => part.byteLength));
        let [written, read] = [0, 0];
        const got: number[] = [];
        const write = async (): Promise<void> => {
          for (const part of parts) {
            written += part.byteLength;
            // One chunk may be in the reader's hand already, one went over the bound.
            expect(written - read).toBeLessThanOrEqual(max + 2 * largest);
            expect(await pipe.push(part)).toBe(true);
          }
        };
        const take = async (): Promise<void> => {
          for await (const chunk of pipe) {
            read += chunk.byteLength;
            got.push(...chunk);
            expect(written - read).toBeLessThanOrEqual(max + largest);
          }
        };
        await Promise.all([write().finally(() => pipe.end()), take()]);
        expect(got).toEqual(parts.flatMap((part) => [...part]));
      }),
    );
  });

  it('answers false to writers once the reader has left, also to one that waits [P2]', async () => {
    const pipe = new ChunkPipe(0);
    const waiting = pipe.push(Uint8Array.of(1));
    for await (const chunk of pipe) {
      expect([...chunk]).toEqual([1]);
      break;
    }
    expect(await waiting).toBe(true);
    expect(await pipe.push(Uint8Array.of(2))).toBe(false);
    const other = new ChunkPipe(0);
    const blocked = other.push(Uint8Array.of(1));
    other.abandon();
    expect(await blocked).toBe(false);
  });

  it('lets a waiting writer go when it flows, and keeps what it wrote for a later reader', async () => {
    const pipe = new ChunkPipe(0);
    let done = false;
    const blocked = pipe.push(Uint8Array.of(1)).then(() => {
      done = true;
    });
    await turn();
    expect(done).toBe(false);
    pipe.flow();
    await blocked;
    pipe.end();
    const got: number[] = [];
    for await (const chunk of pipe) got.push(...chunk);
    expect(got).toEqual([1]);
  });
});
