/** What was asked of a journal, what it acknowledged, and whether what is found afterwards can be true. */
import { type JournalOptions, openJournal } from '../../src/adapters/journal/open-journal.ts';
import type { Journal, JournalReader } from '../../src/ports/journal.ts';
import { fakeRandom } from '../../src/testing/fake-clock.ts';
import { recordsOf } from '../../src/testing/contracts/journal.ts';
import { type Image, ModelDisk } from './model-disk.ts';

let opened = 0;

/** A process of its own for each opening; the ones before it are dead. */
export function modelOptions(options: JournalOptions = {}): JournalOptions {
  opened += 1;
  const pid = opened;
  return { segmentBytes: 4096, reserveBytes: 512, random: fakeRandom(pid), owner: { pid, startTime: '1', bootId: 'model' }, isAlive: () => false, ...options };
}

export async function openModel(disk: ModelDisk, options: JournalOptions = {}): Promise<Journal> {
  const result = await openJournal(disk, modelOptions(options));
  if (result.state !== 'writable') throw new Error(`the journal is damaged: ${result.damage.reason}: ${result.damage.detail}`);
  return result.journal;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export class History {
  /** In the order of the calls. */
  readonly submitted: string[] = [];
  /** By sequence. */
  readonly acked = new Map<number, string>();

  /** Appends, and notes when it is acknowledged. Settles either way. */
  async append(journal: Journal, content: string, options: { urgent?: boolean } = {}): Promise<unknown> {
    this.submitted.push(content);
    try {
      const { sequence } = await journal.append(1, Buffer.from(content, 'latin1'), options);
      this.acked.set(sequence, content);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** @returns what is wrong with what a journal has; nothing when it can be true */
  async check(journal: JournalReader, acked: ReadonlyMap<number, string> = this.acked): Promise<string | undefined> {
    const from = journal.firstSequence;
    const found = (await recordsOf(journal, { from, own: true })).map(({ sequence, type, payload }) => ({ sequence, type, content: text(payload) }));
    for (const [at, { sequence }] of found.entries()) if (sequence !== from + at) return `record ${from + at} is missing`;
    const own = new Map(found.filter(({ type }) => type === 1).map(({ sequence, content }) => [sequence, content]));
    for (const [sequence, content] of acked) if (sequence >= from && own.get(sequence) !== content) return `record ${sequence} was acknowledged as ${content.slice(0, 8)}, and is ${own.get(sequence)?.slice(0, 8)}`;
    let next = -1;
    for (const content of own.values()) {
      const at = this.submitted.indexOf(content, next + 1);
      if (at < 0) return `${content.slice(0, 8)} is there, and was not written, or not after what stands before it`;
      next = at;
    }
    return undefined;
  }
}

/** Opens what a crash left, checks it, writes on, and opens it once more. @returns what is wrong */
export async function checkImage(image: Image, history: History, acked: ReadonlyMap<number, string>): Promise<string | undefined> {
  const disk = new ModelDisk(image);
  try {
    const journal = await openModel(disk);
    const wrong = await history.check(journal, acked);
    if (wrong !== undefined) return wrong;
    const { sequence } = await journal.append(1, Buffer.from('after'));
    await journal.close();
    const again = await openModel(disk);
    const records = await recordsOf(again, { from: again.firstSequence });
    if (records.at(-1)?.sequence !== sequence) return 'what was written after the crash is not there';
    await again.close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
