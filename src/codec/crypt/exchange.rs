//! skynet's key exchange: Diffie-Hellman with a 64-bit prime. It is a contract of its login
//! protocol and too small to resist anyone who computes; TLS is there for that.

/// The prime: 2^64 - 59.
const PRIME: u64 = 0xffff_ffff_ffff_ffc5;
/// What [`public`] raises.
const GENERATOR: u64 = 5;

/// Returns the public value of a private one.
pub fn public(private: u64) -> u64 {
    power(GENERATOR, private)
}

/// Returns the secret that both sides share: the other's public value to the power of our private
/// one.
pub fn secret(public: u64, private: u64) -> u64 {
    power(public, private)
}

/// `base` to the power of `exponent`. A base above the prime is reduced first; the prime itself
/// stays when the exponent is 1, as in the reference.
fn power(base: u64, exponent: u64) -> u64 {
    let base = if base > PRIME { base - PRIME } else { base };
    if exponent == 1 {
        return base;
    }
    let mut square = base;
    let mut left = exponent;
    let mut result = 1;
    while left > 0 {
        if left & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        left >>= 1;
    }
    result
}

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}
