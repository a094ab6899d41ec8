/** The version of this package, for reports. */
export const version = '0.1.0';
