/** The files trust is configured with, as the host holds them. */
export interface TrustFiles {
  /** The whole file; a link in its last place is not followed. @throws CellError `config.invalid` when there is none, or it is too large */
  read(path: string): Uint8Array;
  /** The same for a file that may be missing. */
  readIfThere(path: string): Uint8Array | undefined;
  /** Replaces the file in one step. @throws CellError `config.invalid` */
  replace(path: string, bytes: Uint8Array): void;
}
