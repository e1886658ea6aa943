import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ATTACK_CLASSES, STAGE_NAMES } from './attack.ts';
import { SCENARIOS } from './suite.ts';

const attacks = SCENARIOS.flatMap((scenario) => scenario.attacks);

describe('the table of attacks', () => {
  it('has more than ninety attacks, each named once and after its class', () => {
    expect(attacks.length).toBeGreaterThan(90);
    expect(new Set(attacks.map((attack) => attack.id)).size).toBe(attacks.length);
    for (const scenario of SCENARIOS) for (const attack of scenario.attacks) expect(attack.id.startsWith(`${scenario.class}.`)).toBe(true);
  });

  it('has attacks and a test file for every class', () => {
    const tested = readdirSync(new URL('../../test/e2e/attacks', import.meta.url));
    for (const name of Object.keys(ATTACK_CLASSES)) {
      expect(SCENARIOS.some((scenario) => scenario.class === name)).toBe(true);
      expect(tested).toContain(`${name}.test.ts`);
    }
  });

  it('says for each attack what refuses it and which barrier the evidence has to name', () => {
    for (const { refused, heldBy, attempt } of attacks) {
      expect(refused.length).toBeGreaterThan(0);
      expect(refused).not.toContain('OK');
      expect(heldBy.length).toBeGreaterThan(0);
      for (const [, name] of attempt.join(' ').matchAll(/\{([a-zA-Z]+)\}/g)) expect(STAGE_NAMES).toContain(name);
    }
  });

  it('makes every attack that is a command of its own the only one of its cell', () => {
    for (const { solo, attacks: made } of SCENARIOS) if (solo) expect(made.length).toBe(1);
  });
});
