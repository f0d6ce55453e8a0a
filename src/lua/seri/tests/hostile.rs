//! Bytes that no writer makes: refused without a crash and without taking memory.

use super::State;

#[test]
fn hostile_bytes_are_refused() {
    let state = State::new();
    let refuse = |bytes: &[u8], expected: &str| {
        assert_eq!(state.run_with("local t = skynet.unpack(...)", bytes).unwrap_err(), expected);
    };
    let ends = "in:1: Invalid serialize stream 0 (line:1)";
    refuse(&[0xfe, 0x22, 0xff, 0xff, 0xff, 0x7f, 0x00], ends);
    refuse(&[0xfe, 0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], ends);
    // Each of many nested tables claims as many slots again.
    refuse(&[0xfe, 0x22, 0xff, 0xff, 0xff, 0x7f].repeat(30), ends);
    let too_deep = "in:1: Invalid serialize stream 99966 (line:11)";
    refuse(&vec![0x0e; 100_000], too_deep);
    refuse(&[vec![0x0e; 34], vec![0; 99_966]].concat(), too_deep);
    // Nested as keys.
    refuse(&vec![0x06; 100_000], too_deep);
    assert!(state.run_with("return skynet.unpack(...)", &[0xfe, 0x22, 0xff, 0, 0, 0x80]).is_err());
    // A negative array length is an empty array.
    state
        .run_with(
            "assert(next(skynet.unpack(...)) == nil)",
            &[0xfe, 0x22, 0xff, 0xff, 0xff, 0xff, 0x00],
        )
        .unwrap();
}

#[test]
fn claimed_array_does_not_take_memory() {
    let state = State::new();
    state.check(
        "collectgarbage() collectgarbage('stop') local before = collectgarbage('count')
        local bytes = ('\\xfe\\x22\\xff\\xff\\xff\\x7f'):rep(30)
        for _ = 1, 100 do pcall(skynet.unpack, bytes) end
        local grown = collectgarbage('count') - before
        assert(grown < 1500, grown .. ' KiB') collectgarbage('restart')",
    );
}

#[test]
fn random_bytes_are_refused_or_read() {
    let state = State::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..20_000 {
        let mut bytes = vec![0; round % 61];
        for byte in &mut bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Small bytes are tags that open tables and short items: they lead deeper.
            *byte = (seed >> 33) as u8 & if seed >> 62 == 0 { 0xff } else { 0x1f };
        }
        let read = crate::codec::seri::decode(&bytes);
        let lua = state.run_with("skynet.unpack(...)", &bytes);
        match (read, lua) {
            (Ok(_), Ok(_)) => {}
            (Ok(_), Err(error)) => assert!(error.contains("NaN"), "{bytes:x?}: {error}"),
            (Err(error), Err(text)) => {
                let expected = format!("in:1: {error}");
                assert!(text == expected || text.contains("NaN"), "{bytes:x?}: {text} {error}");
            }
            (Err(error), Ok(_)) => panic!("{bytes:x?}: {error}"),
        }
    }
}
