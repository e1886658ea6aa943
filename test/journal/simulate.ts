/**
 * A host in one process: disk, scheduler, randomness and the lives of processes all follow from one seed. Writers come and go, are killed, put to
 * sleep while others take over, woken up again; the disk fails, runs full, forgets at power cuts, and has bits flipped while nobody looks. After
 * every opening all that was ever acknowledged is compared. No clock: the journal has none.
 */
import type { DiskFile, JournalDisk } from '../../src/adapters/journal/journal-disk.ts';
import { openJournal } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';
import { parseWatermarkFile } from '../../src/core/journal/watermark.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { fakeRandom } from '../../src/testing/fake-clock.ts';
import { seededRandom } from '../crash/kill-campaign.ts';
import { History, modelOptions } from './history.ts';
import { type Image, ModelDisk, systemError } from './model-disk.ts';

/** A process of the simulated host: what it waits for is let go by the scheduler, when it is not asleep. */
class Process {
  readonly pid: number;
  asleep = false;
  dead = false;
  journal: Journal | undefined;
  /** Appends that were not answered yet. */
  readonly open = new Set<Promise<unknown>>();
  readonly waiting: (() => void)[] = [];

  constructor(pid: number) {
    this.pid = pid;
  }

  readonly gate = (): Promise<void> => new Promise((resolve) => this.waiting.push(resolve));
}

function viewOf(disk: ModelDisk, process: Process): JournalDisk {
  const file = (inner: DiskFile): DiskFile => ({ ...inner, sync: () => process.gate().then(() => inner.sync()) });
  return {
    path: disk.path,
    list: () => disk.list(),
    exists: (name) => disk.exists(name),
    open: (name) => file(disk.open(name)),
    create: (name) => file(disk.create(name)),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    remove: (name) => disk.remove(name),
    syncFolder: () => process.gate().then(() => disk.syncFolder()),
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Steps of one simulated host, in the tests and in the soak: a seed means the same in both. */
export const SIMULATED_STEPS = 150;

export interface Simulated {
  readonly wrong: string | undefined;
  /** What was done, the last lines. */
  readonly trace: readonly string[];
  readonly acknowledged: number;
  readonly openings: number;
}

class Simulation {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #history = new History();
  readonly trace: string[] = [];
  #disk = new ModelDisk();
  #processes: Process[] = [];
  #pids = 0;
  #appends = 0;
  openings = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  get acknowledged(): number {
    return this.#history.acked.size;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #say(line: string): void {
    this.trace.push(line);
    if (this.trace.length > 60) this.trace.shift();
  }

  /** Lets go one thing that some process waits for. @returns false when there is none */
  async #turn(): Promise<boolean> {
    const ready = this.#processes.filter(({ asleep, dead, waiting }) => !asleep && !dead && waiting.length > 0);
    const process = ready[this.#below(ready.length)];
    process?.waiting.splice(this.#below(process.waiting.length), 1)[0]?.();
    await settle();
    return process !== undefined;
  }

  async #until(done: () => boolean): Promise<void> {
    // A reader lets the event loop turn by itself, so a few turns in which nobody waits are no end.
    for (let [turns, idle] = [0, 0]; !done(); turns += 1) {
      idle = (await this.#turn()) ? 0 : idle + 1;
      if (idle > 100) throw new Error('nothing goes on any more');
      if (turns > 5000) throw new Error('it does not come to an end');
    }
  }

  /** Runs what some process asks for to its end. */
  async #finish<T>(work: Promise<T>): Promise<T> {
    const state: { done: boolean } = { done: false };
    const mark = (): void => {
      state.done = true;
    };
    work.then(mark, mark);
    await this.#until(() => state.done);
    return work;
  }

  #process(): Process {
    this.#pids += 1;
    const process = new Process(this.#pids);
    this.#processes.push(process);
    return process;
  }

  #opening(process: Process): ReturnType<typeof openJournal> {
    this.openings += 1;
    const alive = (pid: number): boolean => this.#processes.some((other) => other.pid === pid && !other.dead && !other.asleep);
    const { gate, pid } = process;
    return openJournal(
      viewOf(this.#disk, process),
      modelOptions({
        random: fakeRandom(this.#seed * 1000 + pid),
        owner: { pid, startTime: '1', bootId: 'simulated' },
        isAlive: (owner) => alive(owner.pid),
        whole: this.#random() < 0.3,
        defer: (callback) => void gate().then(callback),
      }),
    );
  }

  /** @returns a process that writes; everything that was acknowledged is compared. @throws Error */
  async #open(): Promise<Process | undefined> {
    const process = this.#process();
    if (this.#random() < 0.15) {
      // The power goes while it is being opened.
      this.#opening(process).catch(() => undefined);
      for (let turns = this.#below(14); turns > 0; turns -= 1) await this.#turn();
      this.#powerCut();
      return undefined;
    }
    const opened = await this.#finish(this.#opening(process)).catch((error: unknown) => {
      if (isCellError(error, 'evidence.unwritable') || isCellError(error, 'journal.full')) return undefined; // a planted fault
      throw error;
    });
    this.#disk.before = () => undefined;
    if (opened === undefined) {
      process.dead = true;
      this.#say('opening failed');
      return undefined;
    }
    if (opened.state !== 'writable') throw new Error(`called damaged: ${opened.damage.reason}: ${opened.damage.detail}`);
    const wrong = await this.#history.check(opened.journal);
    if (wrong !== undefined) throw new Error(wrong);
    this.#say(`process ${process.pid} opened it, ${opened.journal.durable.sequence} durable${opened.cut === undefined ? '' : `, cut off ${opened.cut.bytes}`}`);
    process.journal = opened.journal;
    return process;
  }

  #writer(): Process | undefined {
    return this.#processes.find(({ dead, asleep, journal }) => !dead && !asleep && journal !== undefined);
  }

  #append(process: Process): void {
    const count = this.#random() < 0.6 ? 1 : 1 + this.#below(6);
    for (let i = 0; i < count; i += 1) {
      this.#appends += 1;
      const content = `${this.#appends}:`.padEnd(this.#below(this.#random() < 0.2 ? 1800 : 200), 'x');
      const work = this.#history.append(process.journal as Journal, content, { urgent: this.#random() < 0.1 });
      process.open.add(work);
      void work.then(() => process.open.delete(work));
    }
    this.#say(`process ${process.pid} appends ${count}`);
  }

  #fault(): void {
    const [nth, kind] = [this.#below(12), this.#below(4)];
    let calls = 0;
    this.#say(`call ${nth} from now on ${['gives EIO', 'gives ENOSPC', 'writes less', 'finds no space, and so do all after it'][kind]}`);
    this.#disk.before = (call) => {
      if (['read', 'size', 'list', 'exists', 'open'].includes(call.kind)) return undefined;
      calls += 1;
      if (kind === 3 && calls > nth && (call.kind === 'create' || call.grows === true)) throw systemError('ENOSPC');
      if (calls !== nth + 1) return undefined;
      if (kind === 2) return 1 + this.#below(50);
      if (kind < 2) throw systemError(kind === 0 ? 'EIO' : 'ENOSPC');
      return undefined;
    };
  }

  #powerCut(): void {
    this.#say('power cut');
    const image = this.#disk.crashImage(this.#random);
    for (const process of this.#processes) process.dead = true;
    this.#processes = [];
    this.#disk = new ModelDisk(image);
  }

  /** One bit of one file that counts is changed while nobody looks. */
  async #flip(): Promise<void> {
    const image = this.#disk.image();
    // Not half-made files, nor segments that were dropped and could not be removed.
    const first = parseWatermarkFile(image.get('watermark') as Uint8Array)?.watermark.firstSegment ?? 0;
    const names = [...image.keys()].filter((name) => name === 'watermark' || Number(/^segment-(\d+)$/.exec(name)?.[1] ?? 0) >= first);
    const name = names[this.#below(names.length)] as string;
    const bytes = image.get(name) as Uint8Array;
    const bit = this.#below(bytes.byteLength * 8);
    const flipped: Image = new Map(image).set(name, Uint8Array.from(bytes, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));
    const opened = await openJournal(new ModelDisk(flipped), modelOptions({ random: fakeRandom(7), whole: true }));
    if (opened.state === 'read-only' || opened.tornWatermark || opened.cut !== undefined) {
      const wrong = opened.state === 'writable' ? await this.#history.check(opened.journal) : undefined;
      if (wrong !== undefined) throw new Error(`with bit ${bit} of ${name} flipped: ${wrong}`);
      return;
    }
    throw new Error(`bit ${bit} of ${name} was flipped, and nobody noticed`);
  }

  async #small(process: Process): Promise<void> {
    const journal = process.journal as Journal;
    const work = this.#random() < 0.6 ? journal.moveCursor('sink', journal.durable) : journal.drop({ below: journal.durable.sequence - this.#below(10) });
    await this.#finish(Promise.resolve(work).catch((error: unknown) => {
      if (!isCellError(error)) throw error;
    }));
  }

  async step(): Promise<void> {
    const writer = this.#writer();
    const lot = this.#random();
    if (writer === undefined) await this.#open();
    else if (lot < 0.4) this.#append(writer);
    else if (lot < 0.7) for (let turns = this.#below(8); turns > 0; turns -= 1) await this.#turn();
    else if (lot < 0.76) await this.#small(writer);
    else if (lot < 0.8) this.#fault();
    else if (lot < 0.85) this.#powerCut();
    else if (lot < 0.89) {
      this.#say(`process ${writer.pid} is killed`);
      writer.dead = true;
    } else if (lot < 0.94) {
      this.#say(`process ${writer.pid} falls asleep`);
      writer.asleep = true;
    } else if (lot < 0.97) {
      const sleeper = this.#processes.find(({ asleep, dead }) => asleep && !dead);
      if (sleeper !== undefined) {
        this.#say(`process ${sleeper.pid} wakes up`);
        sleeper.asleep = false;
        if (sleeper.open.size === 0 && sleeper.journal !== undefined) this.#append(sleeper);
        await this.#until(() => sleeper.open.size === 0);
        sleeper.dead = true;
      }
    } else {
      this.#disk.before = () => undefined;
      await this.#finish((writer.journal as Journal).close());
      writer.dead = true;
      this.#say(`process ${writer.pid} closes it`);
      await this.#flip();
    }
  }
}

/** @returns what was wrong, with the way to it; the same for the same seed and steps */
export async function simulate(seed: number, steps: number): Promise<Simulated> {
  const simulation = new Simulation(seed);
  const { trace } = simulation;
  let wrong: string | undefined;
  try {
    for (let step = 0; step < steps; step += 1) await simulation.step();
  } catch (error) {
    wrong = String(error);
  }
  return { wrong, trace, acknowledged: simulation.acknowledged, openings: simulation.openings };
}
