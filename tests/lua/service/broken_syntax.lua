-- Does not compile; for the test "loader".

local = 1
