import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SeccompArch, seccompProgram } from './seccomp.ts';

/** A small interpreter of the classic BPF the kernel runs on struct seccomp_data. */
function run(arch: SeccompArch, call: { audit: number; nr: number; args?: readonly number[] }): number {
  const { instructions } = seccompProgram(arch);
  const word = (offset: number): number => {
    if (offset === 0) return call.nr >>> 0;
    if (offset === 4) return call.audit >>> 0;
    const index = (offset - 16) / 8;
    return Number.isInteger(index) ? (call.args?.[index] ?? 0) >>> 0 : 0;
  };
  let accumulator = 0;
  for (let pc = 0; pc < instructions.length; pc += 1) {
    const instruction = instructions[pc];
    if (instruction === undefined) break;
    const k = instruction.k >>> 0;
    const jump = (taken: boolean): void => {
      pc += taken ? instruction.jt : instruction.jf;
    };
    if (instruction.code === 0x20) accumulator = word(k);
    else if (instruction.code === 0x15) jump(accumulator === k);
    else if (instruction.code === 0x35) jump(accumulator >= k);
    else if (instruction.code === 0x45) jump((accumulator & k) !== 0);
    else if (instruction.code === 0x06) return k;
    else throw new Error(`unknown instruction ${instruction.code}`);
  }
  throw new Error('fell off the end of the filter');
}

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const DENIED_X64 = { ptrace: 101, mount: 165, unshare: 272, setns: 308, bpf: 321, keyctl: 250, io_uring_setup: 425, userfaultfd: 323, open_by_handle_at: 304, fsopen: 430, pidfd_getfd: 438 };

describe.each(['x64', 'arm64'] as const)('seccompProgram(%s)', (arch) => {
  it('is a whole number of instructions the kernel takes', () => {
    const { bytes, instructions } = seccompProgram(arch);
    expect(bytes.byteLength).toBe(instructions.length * 8);
    expect(instructions.length).toBeLessThan(4096);
  });

  it('kills on another architecture, whatever the call [S1]', () => {
    fc.assert(fc.property(fc.nat(), fc.nat(600), (audit, nr) => audit === AUDIT[arch] || run(arch, { audit, nr }) === KILL));
  });

  it('answers ENOSYS to clone3 [S3]', () => {
    expect(run(arch, { audit: AUDIT[arch], nr: 435 })).toBe(0x00050000 + 38);
  });

  it('always answers, for any call and arguments', () => {
    const args = fc.array(fc.nat(0xffffffff), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.nat(600), args, (nr, values) => {
        expect([ALLOW, KILL, EPERM, 0x00050000 + 38, 0x00050000 + 97]).toContain(run(arch, { audit: AUDIT[arch], nr, args: values }));
      }),
    );
  });
});

describe('the x86-64 filter', () => {
  const call = (nr: number, ...args: number[]): number => run('x64', { audit: AUDIT.x64, nr, args });

  it('denies each listed call for any arguments [S2]', () => {
    for (const nr of Object.values(DENIED_X64)) {
      fc.assert(fc.property(fc.array(fc.nat(0xffffffff), { minLength: 6, maxLength: 6 }), (args) => call(nr, ...args) === EPERM), { numRuns: 20 });
    }
  });

  it('kills the x32 numbering [S1]', () => {
    for (const nr of [0, 1, 59, 101, 321]) expect(call(0x40000000 + nr)).toBe(KILL);
  });

  it('lets ordinary work through', () => {
    for (const nr of [0, 1, 2, 9, 39, 57, 59, 60, 202, 257, 437]) expect(call(nr)).toBe(ALLOW);
  });

  it('sees the namespace flags of clone', () => {
    expect(call(56, 0x01200011)).toBe(ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) expect(call(56, flag | 17)).toBe(EPERM);
  });

  it('opens only unix, internet and routing sockets', () => {
    for (const family of [1, 2, 10]) expect(call(41, family, 1, 0)).toBe(ALLOW);
    expect(call(41, 16, 3, 0)).toBe(ALLOW);
    expect(call(41, 16, 3, 9)).toBe(0x00050000 + 97);
    for (const family of [3, 17, 31, 38, 40, 44]) expect(call(41, family, 1, 0)).toBe(0x00050000 + 97);
    expect(call(53, 1, 1, 0)).toBe(ALLOW);
    expect(call(53, 38, 1, 0)).toBe(0x00050000 + 97);
  });

  it('keeps a terminal from being typed into', () => {
    expect(call(16, 0, 0x5412)).toBe(EPERM);
    expect(call(16, 0, 0x541c)).toBe(EPERM);
    expect(call(16, 0, 0x5401)).toBe(ALLOW);
  });

  it('lets no file become setuid or setgid, whichever call makes it [S4]', () => {
    const O_CREAT = 0x40;
    const O_TMPFILE = 0x410000;
    for (const bits of [0o4755, 0o2755, 0o6000]) {
      for (const answerOf of [call(90, 0, bits), call(91, 0, bits), call(85, 0, bits), call(133, 0, 0o100000 | bits, 0), call(259, -100, 0, bits, 0), call(268, -100, 0, bits), call(452, -100, 0, bits, 0)]) expect(answerOf).toBe(EPERM);
      for (const flags of [O_CREAT, O_CREAT | 1, O_TMPFILE | 1]) {
        expect(call(2, 0, flags, bits)).toBe(EPERM);
        expect(call(257, -100, 0, flags, bits)).toBe(EPERM);
      }
    }
  });

  it('leaves every other mode alone, and the mode of an open that makes nothing', () => {
    for (const mode of [0o644, 0o755, 0o1777, 0]) {
      for (const answerOf of [call(90, 0, mode), call(91, 0, mode), call(268, -100, 0, mode), call(257, -100, 0, 0x41, mode), call(2, 0, 0x41, mode), call(452, -100, 0, mode, 0)]) expect(answerOf).toBe(ALLOW);
    }
    expect(call(257, -100, 0, 0, 0o6000)).toBe(ALLOW);
    expect(call(2, 0, 0o2000000, 0o6000)).toBe(ALLOW);
  });

  it('keeps the limits of the init from everybody but itself', () => {
    expect(call(302, 1, 7, 0, 0)).toBe(EPERM);
    for (const pid of [0, 2, 77]) expect(call(302, pid, 7, 0, 0)).toBe(ALLOW);
  });

  it('knows no other personality than the usual', () => {
    expect(call(135, 0)).toBe(ALLOW);
    expect(call(135, 0xffffffff)).toBe(ALLOW);
    expect(call(135, 0x0040000)).toBe(EPERM);
  });
});
