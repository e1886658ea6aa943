import { describe, expect, it } from 'vitest';
import type { AttackResult, Scoreboard } from '../compose/attacks.ts';
import { attackBoard } from './attack-board.ts';

const result = (id: string, verdict: AttackResult['verdict'], faults: readonly string[] = []): AttackResult => ({ id, class: id.startsWith('network') ? 'network' : 'resources', title: `try ${id}`, verdict, answer: 'EPERM', faults, runId: 'r1' });

function board(results: readonly AttackResult[]): Scoreboard {
  const count = (verdict: string): number => results.filter((one) => one.verdict === verdict).length;
  return { v: 1, backend: 'bwrap', cellosVersion: '0.1.0', kernel: '6.1', arch: 'x64', filter: 'sha256:f', at: '2026-01-01T00:00:00Z', durationMs: 16_144, held: count('held'), broken: count('broken'), notApplicable: count('not-applicable'), results };
}

describe('attackBoard()', () => {
  it('counts by class, in columns', () => {
    const text = attackBoard(board([result('resources.a', 'held'), result('resources.b', 'held'), result('network.a', 'held')]));
    expect(text).toBe(
      [
        'class      held  broken  n/a',
        'network       1       0    0  Out through the network: loopback of the host, other hosts, devices, routes, names',
        'resources     2       0    0  More than a share: processes, memory, disk, descriptors, processor, output',
        '',
        '3 attacks: 3 held, 0 broken, 0 not applicable',
        'bubblewrap tier, CellOS 0.1.0, kernel 6.1, x64, 16.1 s',
        'filter sha256:f',
        '',
      ].join('\n'),
    );
  });

  it('names each attack that succeeded, why, and the run that shows it', () => {
    const text = attackBoard(board([result('network.a', 'broken', ['answered "OK", not "EPERM"']), result('network.b', 'broken', ['1', '2', '3', '4', '5', '6'])]));
    expect(text).toContain('Broken: ');
    expect(text).toContain('  network.a: to try network.a\n    answered "OK", not "EPERM"\n    run r1\n');
    expect(text).toContain('    4\n    and 2 more\n');
  });

  it('says once what this host cannot enforce, and which attacks that concerns', () => {
    const found = ['resources.a', 'network.a'].map((id) => result(id, 'not-applicable', ['limit.pids cannot be enforced']));
    expect(attackBoard(board(found))).toContain('Not applicable on this host:\n  limit.pids cannot be enforced\n    resources.a, network.a\n');
  });
});
