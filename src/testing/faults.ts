/**
 * Faults a fake can be armed with: a call fails before it has any effect, or after it has had all of it. The second is the lie that real
 * systems tell — "failed, but did happen" — and what a caller must survive.
 */
import { CellError } from '../base/errors.ts';

export type FaultMode = 'before-effect' | 'after-effect';

export class Faults<Name extends string> {
  readonly #armed: { readonly name: Name; readonly mode: FaultMode; readonly error: Error; skip: number }[] = [];
  readonly #calls = new Map<Name, number>();

  /** The next call of this name fails, or the one after `skip` more. */
  arm(name: Name, mode: FaultMode, options: { error?: Error; skip?: number } = {}): void {
    this.#armed.push({ name, mode, error: options.error ?? new CellError('backend.failed', `Cannot do this: an armed fault, ${name} ${mode}`), skip: options.skip ?? 0 });
  }

  /** How often a call of this name was made. */
  calls(name: Name): number {
    return this.#calls.get(name) ?? 0;
  }

  #take(name: Name): { mode: FaultMode; error: Error } | undefined {
    this.#calls.set(name, this.calls(name) + 1);
    const index = this.#armed.findIndex((fault) => fault.name === name);
    const fault = this.#armed[index];
    if (fault === undefined) return undefined;
    if (fault.skip > 0) {
      fault.skip -= 1;
      return undefined;
    }
    this.#armed.splice(index, 1);
    return fault;
  }

  run<T>(name: Name, effect: () => T): T {
    const fault = this.#take(name);
    if (fault?.mode === 'before-effect') throw fault.error;
    const result = effect();
    if (fault !== undefined) throw fault.error;
    return result;
  }

  async runAsync<T>(name: Name, effect: () => Promise<T>): Promise<T> {
    const fault = this.#take(name);
    if (fault?.mode === 'before-effect') throw fault.error;
    const result = await effect();
    if (fault !== undefined) throw fault.error;
    return result;
  }
}
