import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { EVENTS } from './catalogue.ts';
import { parseRedaction, redactData } from './redact.ts';

const { commandCompleted, processExited, fileTouched, genesis, sealed } = EVENTS;
const redact = (type: string, data: object, ...texts: string[]): JsonObject => redactData(type, jsonObject(data as never), parseRedaction(texts));

describe('parseRedaction()', () => {
  it('reads names, types, and the named sets', () => {
    const { fields, byType, asked } = parseRedaction(['defaults, program', 'command.completed:argv,file.touched:*', 'file.touched:path']);
    expect([...fields]).toEqual(['argv', 'path', 'reason', 'program']);
    expect([...byType]).toEqual([[commandCompleted.type, new Set(['argv'])], [fileTouched.type, 'all']]);
    expect(asked).toEqual(['defaults', 'program', 'command.completed:argv', 'file.touched:*', 'file.touched:path']);
    expect(parseRedaction([`${processExited.type}:reason`]).byType.has(processExited.type)).toBe(true);
    expect(parseRedaction(['exited:usage', 'exited:reason']).byType.get(processExited.type)).toEqual(new Set(['usage', 'reason']));
    expect(parseRedaction([' , ']).asked).toEqual([]);
  });

  it.each([['runId'], ['head'], ['sealed:count'], ['evidence.genesis:keysetDigest'], ['no.such.event:argv'], ['a b'], ['command.completed:'], ['*']])('refuses %s [RX1]', (item) => {
    expect(() => parseRedaction([item])).toThrow(expect.objectContaining({ code: 'usage.invalid', facts: { item } }));
  });
});

describe('redactData()', () => {
  it('blanks by name at any depth, by type only there', () => {
    const data = { argv: ['a', 'b'], usage: { path: 'x', n: 1 }, reason: 'r', n: 7, runId: 'r1' };
    expect(redact(commandCompleted.type, data, 'argv,path')).toEqual({ argv: ['[redacted]'], usage: { path: '[redacted]', n: 1 }, reason: 'r', n: 7, runId: 'r1' });
    expect(redact(commandCompleted.type, data, 'process.exited:argv')).toEqual(data);
    expect(redact(processExited.type, data, 'process.exited:argv,n')).toEqual({ ...data, argv: ['[redacted]'], usage: { path: 'x', n: '[redacted]' }, n: '[redacted]' });
    expect(redact(processExited.type, data, 'process.exited:*')).toEqual({ argv: ['[redacted]'], usage: {}, reason: '[redacted]', n: '[redacted]', runId: 'r1' });
    expect(redact(processExited.type, data)).toEqual(data);
  });

  it('leaves what proves a run, whatever is asked [RX1]', () => {
    const first = { runId: 'r', keysetDigest: 'd', hostKernel: 'k', v: 1 };
    expect(redact(genesis.type, first, 'evidence.genesis:*')).toEqual(first);
    expect(redact(genesis.type, first, 'hostKernel')).toEqual({ ...first, hostKernel: '[redacted]' });
    const last = { runId: 'r', count: 3, head: 'h', outcome: 'exited', gaps: 0, unchecked: 0, exitCode: 1 };
    expect(redact(sealed.type, last, 'evidence.sealed:*')).toEqual(last);
  });

  it('is idempotent, and leaves no value of a blanked name', () => {
    const redaction = parseRedaction(['a', 'process.exited:b']);
    const hidden = 'tell-nobody';
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'runId'), fc.oneof(fc.constant(hidden), fc.constant([hidden]), fc.constant({ a: hidden, d: 1 }), fc.constant({ c: { b: hidden } }))), (data) => {
        const given = parseJson(JSON.stringify(data)) as JsonObject;
        const once = redactData(processExited.type, given, redaction);
        expect(redactData(processExited.type, once, redaction)).toEqual(once);
        expect(JSON.stringify({ a: once['a'], b: once['b'] })).not.toContain(hidden);
      }),
    );
  });
});
