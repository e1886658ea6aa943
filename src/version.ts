/** The version, once; package.json is held against it by a test. */
export const VERSION = '0.1.0';
