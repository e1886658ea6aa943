import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostPatterns } from './host-patterns.ts';

/** The rule as it is told, one pattern at a time. */
function told(pattern: string, host: string): boolean {
  const [p, h] = [pattern.toLowerCase(), host.toLowerCase()];
  return p === '*' || (p.startsWith('*.') ? h.endsWith(p.slice(1)) : p === h);
}

describe('HostPatterns', () => {
  it.each<[readonly string[], string, boolean]>([
    [[], 'a', false],
    [['*'], '', true],
    [['b', '*'], 'anything', true],
    [['a.example'], 'a.example', true],
    [['a.example'], 'A.Example', true],
    [['A.EXAMPLE'], 'a.example', true],
    [['a.example'], 'aa.example', false],
    [['a.example'], 'x.a.example', false],
    [['*.a.example'], 'x.a.example', true],
    [['*.a.example'], 'y.x.a.example', true],
    [['*.A.example'], 'x.a.EXAMPLE', true],
    [['*.a.example'], '.a.example', true],
    [['*.a.example'], 'a.example', false],
    [['*.a.example'], 'xa.example', false],
    [['*.a.example'], 'x.b.example', false],
    [['*.a.example', '*.example'], 'x.b.example', true],
    [['*.example', '*.a.example'], 'a.example', true],
    [['*.'], 'x.', true],
    [['*.'], '.', true],
    [['*.'], 'x', false],
    [['*.'], '', false],
    [['*.*'], 'a.b', false],
    [['*.x.a'], '.a', false],
    [['*..a'], '.a', false],
    [['*..a'], '..a', true],
    [['a.*.example'], 'a.b.example', false],
    [['a.*.example'], 'a.*.example', true],
    [['*a'], 'ba', false],
  ])('%j allows %j: %j [H2]', (patterns, host, allowed) => {
    expect(new HostPatterns(patterns).allows(host)).toBe(allowed);
  });

  it('answers as if every pattern were tried, in any order', () => {
    const name = fc.array(fc.constantFrom('a', 'b', 'B', '', '*'), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(fc.array(fc.oneof(name, name.map((text) => `*.${text}`)), { maxLength: 6 }), name, (patterns, host) => {
        const expected = patterns.some((pattern) => told(pattern, host));
        expect(new HostPatterns(patterns).allows(host)).toBe(expected);
        expect(new HostPatterns([...patterns].reverse()).allows(host)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });
});
