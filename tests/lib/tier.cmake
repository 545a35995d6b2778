# ov_tier_test(NAME label seconds script args...): a Python script that drives the binary; status 77 means skipped. Those that
# may take longest begin first, or the last of them runs alone.
function(ov_tier_test name label seconds script)
    add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${seconds} COST ${seconds} SKIP_RETURN_CODE 77
        ENVIRONMENT "OVATE_BIN=$<TARGET_FILE:ovate>;OVATE_TEST_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
