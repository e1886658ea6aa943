/**
 * A contract: what every implementation of a port has to do, as cases any test runner can run. `for (const one of cases) it(one.name, one.run)`.
 * A case makes what it needs and leaves nothing behind.
 */
export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Fails unless `work` throws a CellError with one of the codes. */
export async function expectCode(work: () => unknown, codes: readonly string[]): Promise<void> {
  let code: unknown;
  try {
    await work();
  } catch (error) {
    code = (error as { code?: unknown }).code;
    if (typeof code === 'string' && codes.includes(code)) return;
    throw error;
  }
  throw new Error(`Nothing was thrown where ${codes.join(' or ')} is due`);
}
