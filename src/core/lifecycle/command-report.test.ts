import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { osErrorText, reportOf, timeLimitOf, timeLimitText } from './command-report.ts';

describe('timeLimitOf()', () => {
  it('is the shortest limit; the document wins a tie with the setting, and both win one with the time to live', () => {
    expect(timeLimitOf({ timeoutMs: 150, settingMs: 9000n, ttlSeconds: 30 })).toEqual({ ms: 150, by: 'document' });
    expect(timeLimitOf({ timeoutMs: 150, settingMs: 150n, ttlSeconds: 30 })).toEqual({ ms: 150, by: 'document' });
    expect(timeLimitOf({ timeoutMs: 150, settingMs: 100n, ttlSeconds: 30 })).toEqual({ ms: 100, by: 'setting' });
    expect(timeLimitOf({ timeoutMs: 30_000, settingMs: undefined, ttlSeconds: 30 })).toEqual({ ms: 30_000, by: 'document' });
    expect(timeLimitOf({ timeoutMs: undefined, settingMs: 30_001n, ttlSeconds: 30 })).toEqual({ ms: 30_000, by: 'ttl' });
    expect(timeLimitOf({ timeoutMs: undefined, settingMs: undefined, ttlSeconds: 0 })).toEqual({ ms: 0, by: 'ttl' });
    const huge = 2n ** 64n - 1n;
    expect(timeLimitOf({ timeoutMs: huge, settingMs: huge, ttlSeconds: huge })).toEqual({ ms: Number.MAX_SAFE_INTEGER, by: 'document' });
  });

  it('is never longer than any limit that is set', () => {
    const limit = fc.option(fc.integer({ min: 1, max: 10 ** 9 }), { nil: undefined });
    fc.assert(
      fc.property(limit, limit, fc.integer({ min: 0, max: 10 ** 6 }), (timeoutMs, setting, ttlSeconds) => {
        const { ms } = timeLimitOf({ timeoutMs, settingMs: setting === undefined ? undefined : BigInt(setting), ttlSeconds });
        expect(ms).toBe(Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, setting ?? Number.POSITIVE_INFINITY, ttlSeconds * 1000));
      }),
    );
  });
});

describe('reportOf()', () => {
  const limit = { ms: 200, by: 'document' } as const;

  it('gives the exit code of a command that ended itself, and -1 for every other end', () => {
    expect(reportOf({ ending: 'exited', exitCode: 0 }, limit)).toEqual({ exitCode: 0 });
    expect(reportOf({ ending: 'exited', exitCode: 5 }, limit)).toEqual({ exitCode: 5, failure: 'The command ended with status 5' });
    for (const ending of ['signalled', 'timed-out', 'cancelled', 'limit-exceeded', 'exec-failed', 'lost'] as const) {
      const report = reportOf({ ending, exitCode: 137, reason: 'why' }, limit);
      expect([ending, report.exitCode]).toEqual([ending, -1]);
      expect(report.failure).toMatch(/./);
    }
  });

  it('says what kept a command from running or ended its time, and nothing else, as its spawn error', () => {
    expect(reportOf({ ending: 'timed-out', exitCode: 124 }, limit)).toMatchObject({ spawnError: timeLimitText(limit), failure: expect.stringContaining('200 ms') });
    expect(reportOf({ ending: 'exec-failed', exitCode: 127, errno: 2 }, limit).spawnError).toBe('No such file or directory (os error 2)');
    expect(osErrorText(4095)).toBe('Unknown error (os error 4095)');
    for (const ending of ['signalled', 'cancelled', 'limit-exceeded', 'lost'] as const) expect(reportOf({ ending, exitCode: 1, signalName: 'SIGKILL' }, limit).spawnError).toBeUndefined();
  });
});
