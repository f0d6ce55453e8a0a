-- Its main chunk raises; for the test "loader".

error "the main chunk raised"
