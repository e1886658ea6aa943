import { describe, expect, it } from 'vitest';
import { CellError } from '../base/errors.ts';
import { cellBackendContract, clockContract, exportSinkContract, FakeBackend, fakeBroker, FakeClock, fakeSigner, Faults, hostLogContract, MemoryBundle, MemoryExport, MemoryHostLog, MemoryLogStore, runBundleContract, secretBrokerContract, signerContract } from './index.ts';
import { journalContract } from './contracts/journal.ts';
import { MemoryJournal, MemoryJournalPlace } from './memory-journal.ts';
import { fakePlan } from './plans.ts';

describe('FakeClock keeps the contract of a clock', () => {
  const make = () => {
    const clock = new FakeClock();
    return { clock, pass: (ms: number) => clock.advance(ms) };
  };
  for (const { name, run } of clockContract(make)) it(name, run);
});

describe('fakeBroker keeps the contract of a secret broker', () => {
  const make = () => {
    const clock = new FakeClock();
    return { broker: fakeBroker({ TOKEN: 'value-1', EMPTY: '' }, clock), known: { ref: 'TOKEN', value: 'value-1' }, missing: 'NONE', empty: 'EMPTY', pass: (ms: number) => clock.advance(ms) };
  };
  for (const { name, run } of secretBrokerContract(make)) it(name, run);
});

describe('fakeSigner keeps the contract of a signer', () => {
  for (const { name, run } of signerContract(() => fakeSigner())) it(name, run);
});

describe('MemoryBundle keeps the contract of a run bundle', () => {
  const make = () => {
    const bundle = new MemoryBundle({ keyset: new Uint8Array(1), keptBytesMax: 10 });
    return { bundle, source: () => bundle.source() };
  };
  for (const { name, run } of runBundleContract(make)) it(name, run);
});

describe('MemoryHostLog keeps the contract of a host log', () => {
  const make = () => {
    const store = new MemoryLogStore();
    const { publicKey, sign } = fakeSigner();
    const key = { name: 'cellos.dev/log/memory/1', publicKey };
    const other = fakeSigner(9);
    const witness = { name: 'witness', algorithm: 'cosignature-v1', publicKey: other.publicKey } as const;
    return { open: () => new MemoryHostLog({ store, signer: { key, sign }, witnesses: [witness] }), verifiers: [key, witness], witness: (timestamp: bigint) => ({ key: witness, timestamp, sign: (message: Uint8Array) => other.sign(message) }) };
  };
  for (const { name, run } of hostLogContract(make)) it(name, run);

  it('fails before and after it has published', async () => {
    for (const [mode, heads] of [['before-effect', 0], ['after-effect', 1]] as const) {
      const { publicKey, sign } = fakeSigner();
      const store = new MemoryLogStore();
      const log = new MemoryHostLog({ store, signer: { key: { name: 'o', publicKey }, sign } });
      log.faults.arm('publish', mode);
      await expect(log.publish()).rejects.toThrow(expect.objectContaining({ code: 'evidence.unwritable' }));
      await expect(log.publish()).rejects.toThrow(expect.objectContaining({ code: 'evidence.unwritable' }));
      expect(store.heads.length).toBe(heads);
    }
  });
});

describe('MemoryJournal keeps the contract of a journal', () => {
  const make = async () => {
    const place = new MemoryJournalPlace();
    const journal = new MemoryJournal(place);
    const reopen = async () => {
      await journal.close();
      return new MemoryJournal(place);
    };
    return { journal, reopen };
  };
  for (const { name, run } of journalContract(make)) it(name, run);

  it('fails for good once it has failed, and what failed may be there; when full it takes urgent records only', async () => {
    const place = new MemoryJournalPlace();
    const journal = new MemoryJournal(place);
    journal.fill();
    await expect(journal.append(1, Uint8Array.of(1))).rejects.toMatchObject({ code: 'journal.full' });
    await journal.append(1, Uint8Array.of(2), { urgent: true });
    journal.faults.arm('append', 'after-effect');
    for (const urgent of [true, true]) await expect(journal.append(1, Uint8Array.of(3), { urgent })).rejects.toMatchObject({ code: 'evidence.unwritable' });
    const seen: number[] = [];
    for await (const { payload } of new MemoryJournal(place).read({ from: 1 })) seen.push(...payload);
    expect(seen).toEqual([2, 3]);
  });
});

describe('MemoryExport keeps the contract of an export sink', () => {
  const make = () => {
    const sink = new MemoryExport();
    return { sink, delivered: async () => Object.fromEntries([...sink.delivered].map(([at, bytes]) => [at, new TextDecoder().decode(bytes)])) };
  };
  for (const { name, run } of exportSinkContract(make)) it(name, run);
});

describe('FakeBackend keeps the contract of a cell backend', () => {
  const make = () => ({
    backend: new FakeBackend(new FakeClock()),
    prepare: () => ({ plan: fakePlan(), options: { scratchDirectory: '/none' } }),
    argv: {
      exit: (code: number) => ['exit', String(code)],
      crash: (signal: number) => ['crash', String(signal)],
      say: (text: string) => ['say', text],
      complain: (text: string) => ['complain', text],
      zeros: (bytes: number) => ['zeros', String(bytes)],
      env: (name: string) => ['env', name],
      cat: ['cat'],
      sleep: ['sleep'],
      stubborn: ['stubborn'],
    },
  });
  for (const { name, run } of cellBackendContract(make)) it(name, run);
});

describe('Faults', () => {
  it('fail a call before its effect or after all of it, once, and count every call', async () => {
    const faults = new Faults<'step'>();
    const error = new CellError('backend.failed', 'Cannot');
    let effects = 0;
    const call = (): Promise<number> => faults.runAsync('step', async () => ++effects);
    faults.arm('step', 'before-effect', { error });
    faults.arm('step', 'after-effect', { error, skip: 1 });
    await expect(call()).rejects.toBe(error);
    expect(effects).toBe(0);
    expect(await call()).toBe(1);
    await expect(call()).rejects.toBe(error);
    expect(effects).toBe(2);
    expect(await call()).toBe(3);
    expect(faults.calls('step')).toBe(4);
  });
});
