import { beforeAll, describe, expect, it } from 'vitest';
import { ATTACK_CLASSES, type AttackClass } from '../../../src/attacks/attack.ts';
import { SCENARIOS } from '../../../src/attacks/suite.ts';
import { type AttackResult, runAttackSuite } from '../../../src/compose/attacks.ts';
import { currentSettings } from '../../../src/config/env.ts';

/**
 * One test an attack: refused, by what the plan says, and the evidence of its run says so. Skipped, with the reason, where the host cannot
 * enforce the barrier; CI fails on a skip.
 */
export function describeAttacks(name: AttackClass): void {
  const results = new Map<string, AttackResult>();
  beforeAll(async () => {
    const board = await runAttackSuite({ settings: currentSettings(), signal: AbortSignal.timeout(300_000), classes: [name] });
    for (const result of board.results) results.set(result.id, result);
  }, 300_000);

  describe(`attack: ${name}. ${ATTACK_CLASSES[name]}`, () => {
    for (const attack of SCENARIOS.filter((scenario) => scenario.class === name).flatMap((scenario) => scenario.attacks)) {
      it(`${attack.id}: to ${attack.title}`, ({ skip }) => {
        const result = results.get(attack.id);
        if (result?.verdict === 'not-applicable') skip(result.faults.join('; '));
        expect(result?.faults).toEqual([]);
        expect(result?.verdict).toBe('held');
        expect(attack.refused).toContain(result?.answer);
      });
    }
  });
}
