/** Evidence as it lies on disk, for those who read it: the commands, and the verifier that ships alone. Loads no backend. */
export { bundleAt, fileBytes } from '../adapters/os/bundle-files.ts';
