import { describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { linesOf } from '../../core/evidence/audit-report.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import { FakeBackend, FakeClock, type FakeProgram, fakeBroker, fakeDocument, fakeHost, fakePlan, fakeRandom, fakeSigner, MemoryBundle, settled } from '../../testing/index.ts';
import { RunRecorder } from '../emitter/run-recorder.ts';
import { SecretSession } from '../secrets/secret-session.ts';
import { CellSession } from './cell-session.ts';
import { type CommandRequest, runCommand } from './run-command.ts';

function setting(programs: Readonly<Record<string, FakeProgram>> = {}) {
  const clock = new FakeClock();
  const backend = new FakeBackend(clock, programs);
  const bundle = new MemoryBundle({ keyset: new Uint8Array(1), keptBytesMax: 1000 });
  const broker = fakeBroker({ TOKEN: 'value' }, clock);
  const document = fakeDocument({ authority: { secretRefs: ['TOKEN'] } });
  const plan = fakePlan(document);
  const recorder = new RunRecorder({ runId: plan.runId, bundle, event: fakeSigner(1), attest: fakeSigner(2), clock, random: fakeRandom() });
  const secrets = new SecretSession({ plan, broker, listen: () => Promise.reject(new Error('no socket is asked for')) });
  const open = (): Promise<CellSession> =>
    CellSession.open(
      { backend, clock, random: fakeRandom(2), version: '0', host: fakeHost(), keysetDigest: `sha256:${'0'.repeat(64)}` },
      { document, plan, scratchDirectory: '/none', recorder, secrets, signal: new AbortController().signal, swept: [] },
    );
  const request = (argv: readonly string[], more: Partial<CommandRequest> = {}): CommandRequest => ({ argv, cwd: '/work', env: {}, onOutput: async () => true, ttlDeadlineMs: 60_000, graceMs: 1000, cancel: new AbortController().signal, ...more });
  const types = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { line } of linesOf(bundle.source().open(BUNDLE.records))) found.push(JSON.parse(new TextDecoder().decode(line)).envelope.event.type.replace('dev.cellos.events.cell.', ''));
    return found;
  };
  return { clock, backend, bundle, broker, open, request, types };
}

const END = { outcome: 'succeeded', ending: 'exited', exitCode: 0, forced: false } as const;

/** The code of what it fails with. */
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'no error', (error: unknown) => (isCellError(error) ? error.code : error));

describe('runCommand()', () => {
  it('asks at the time limit, kills after the grace time, and says which limit it was [O2, O3]', async () => {
    const { clock, open, request } = setting();
    const session = await open();
    const timed = runCommand(session, clock, request(['stubborn'], { timeoutMs: 5000 }));
    await settled();
    await clock.advance(5999);
    let over = false;
    void timed.then(() => {
      over = true;
    });
    await settled();
    expect(over).toBe(false);
    await clock.advance(1);
    expect(await timed).toMatchObject({ ending: 'timed-out', exitCode: 124, signal: 9, durationMs: 6000, reason: 'the command took longer than 5000 ms' });
    const aged = runCommand(session, clock, request(['sleep'], { timeoutMs: 1_000_000 }));
    await settled();
    await clock.advance(60_000);
    expect(await aged).toMatchObject({ ending: 'timed-out', exitCode: 124, signal: 15, reason: 'the time to live of the cell was over' });
    expect(clock.waiting).toBe(0);
  });

  it('records no start for a program that could not start [O1]', async () => {
    const { clock, open, request, types } = setting();
    const session = await open();
    expect(await runCommand(session, clock, request(['missing']))).toMatchObject({ ending: 'exec-failed', exitCode: 127 });
    expect((await types()).slice(-3)).toEqual(['process.v1.exited', 'observability.v1.network_enforcement', 'command.v1.completed']);
    expect(await types()).not.toContain('observability.v1.process_spawned');
  });

  it('kills the command when its output or its start cannot be put on the record, and throws that', async () => {
    for (const skip of [0, 1]) {
      const { clock, backend, bundle, open, request } = setting();
      const session = await open();
      bundle.faults.arm('append', skip === 0 ? 'before-effect' : 'after-effect', { skip });
      const command = skip === 0 ? request(['sleep']) : request(['say', 'x']);
      expect(await codeOf(runCommand(session, clock, command))).toBe('evidence.unwritable');
      expect(session.commands.count).toBe(0);
      expect(await codeOf(session.close(END))).toBe('evidence.unwritable');
      expect(await Promise.race([backend.cells[0]?.gone.then(() => 'gone'), settled().then(() => 'alive')])).toBe('gone');
    }
  });

  it('gives its place back when the command cannot even be asked for', async () => {
    const { clock, backend, open, request } = setting();
    const session = await open();
    backend.faults.arm('exec', 'before-effect');
    expect(await codeOf(runCommand(session, clock, request(['true'])))).toBe('backend.failed');
    expect(session.commands.count).toBe(0);
    expect(await runCommand(session, clock, request(['true']))).toMatchObject({ exitCode: 0 });
  });

  it('starts nothing while the cell is being cleared, and clears only an idle cell [V1, V2, V3]', async () => {
    const { clock, backend, open, request } = setting();
    const session = await open();
    const stop = new AbortController();
    const long = runCommand(session, clock, request(['sleep'], { cancel: stop.signal }));
    await runCommand(session, clock, request(['true']));
    expect(backend.faults.calls('killAll')).toBe(0);
    stop.abort('the test is over');
    const next = runCommand(session, clock, request(['true']));
    expect(await long).toMatchObject({ ending: 'cancelled', reason: 'the test is over' });
    expect(await next).toMatchObject({ ending: 'exited', exitCode: 0 });
    const waiting = Array.from({ length: 20 }, () => runCommand(session, clock, request(['exit', '3'])));
    expect((await Promise.all(waiting)).map((outcome) => outcome.exitCode)).toEqual(Array.from({ length: 20 }, () => 3));
    expect(session.commands.count).toBe(0);
  });

  it('ends a cell that cannot be cleared', async () => {
    const { clock, backend, open, request } = setting();
    const session = await open();
    backend.faults.arm('killAll', 'before-effect');
    await runCommand(session, clock, request(['true']));
    expect(await runCommand(session, clock, request(['true']))).toMatchObject({ ending: 'lost', exitCode: 125 });
  });
});

describe('CellSession', () => {
  it('seals a run whose cell could not be made, and gives every lease back [Q2]', async () => {
    for (const mode of ['before-effect', 'after-effect'] as const) {
      const { backend, broker, open, types } = setting();
      backend.faults.arm('create', mode);
      expect(await codeOf(open())).toBe('backend.failed');
      expect(broker.open.size).toBe(0);
      expect((await types()).slice(-3)).toEqual(['teardown.v1.certificate', 'lifecycle.v1.destroyed', 'evidence.v1.sealed']);
      expect(await types()).not.toContain('lifecycle.v1.started');
    }
  });

  it('makes no cell before asked and effective are durable, and none without its secrets [Q1]', async () => {
    const unwritable = setting();
    unwritable.bundle.faults.arm('sync', 'before-effect');
    expect(await codeOf(unwritable.open())).toBe('evidence.unwritable');
    expect(unwritable.backend.cells).toHaveLength(0);
    const secretless = setting();
    secretless.broker.faults.arm('lease', 'before-effect');
    expect(await codeOf(secretless.open())).toBe('backend.failed');
    expect(secretless.backend.cells).toHaveLength(0);
  });

  it('destroys the cell when the evidence fails between its making and its start [Q3]', async () => {
    const { backend, bundle, open } = setting();
    bundle.faults.arm('append', 'after-effect', { skip: 6 });
    expect(await codeOf(open())).toBe('evidence.unwritable');
    expect(backend.cells).toHaveLength(1);
    expect(backend.faults.calls('destroy')).toBe(1);
  });

  it('certifies what a failed teardown leaves, and what cannot be revoked, as residue', async () => {
    const { backend, broker, open, types } = setting();
    const session = await open();
    backend.faults.arm('destroy', 'before-effect');
    broker.faults.arm('revoke', 'before-effect');
    const [lines, again] = await Promise.all([session.close(END), session.close(END)]);
    expect(again).toBe(lines);
    expect(lines.filter((line) => line.result === 'residue').map((line) => line.probe)).toEqual(['processes', 'lease.TOKEN']);
    expect((await types()).filter((type) => type === 'evidence.v1.sealed')).toHaveLength(1);
  });
});
