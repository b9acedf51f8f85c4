# SPDX-License-Identifier: Apache-2.0
# The helpers every folder's CMakeLists.txt is written with. Sources are globbed, so that adding a
# file edits no list.
#
#   cornet_library(NAME ... )           a shared library from the folder's sources
#   cornet_compiler_part(NAME)          an object library that becomes part of libCornetCompiler.so
#   cornet_tablegen(NAME FILE.td ...)   ODS -> C++ in the build folder, before NAME is compiled
#   cornet_tool(NAME)                   an executable
#   cornet_tests(NAME)                  a GoogleTest executable, registered with CTest
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON) # where LLVM lies
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib;$ORIGIN;$ORIGIN/..")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Asserts stay on in every build of ours: the packages of LLVM have theirs off.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELEASE "-O2")
add_compile_options(-Wall -Wextra -Wno-unused-parameter -ffunction-sections -fdata-sections)
if(CORNET_SANITIZE)
  add_compile_options(-fsanitize=${CORNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${CORNET_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_link_options(-fuse-ld=lld)
endif()
find_program(CORNET_CCACHE ccache)
if(CORNET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};${CORNET_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
endif()

function(_cornet_sources out)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  foreach(skip ${ARGN})
    list(FILTER files EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${skip}/")
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# cornet_library(NAME [LINK lib...] [INCLUDE dir...] [SKIP subfolder...])
function(cornet_library name)
  cmake_parse_arguments(A "" "" "LINK;INCLUDE;SKIP" ${ARGN})
  _cornet_sources(files ${A_SKIP})
  add_library(${name} SHARED ${files})
  target_include_directories(${name} PUBLIC ${A_INCLUDE})
  target_link_libraries(${name} PUBLIC ${A_LINK})
endfunction()

if(CORNET_COMPILER)
  find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
  if(NOT LLVM_VERSION_MAJOR EQUAL 22)
    message(FATAL_ERROR "Cornet needs LLVM and MLIR 22, found ${LLVM_VERSION}; run tools/setup")
  endif()
  list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
  include(TableGen)
  include(AddLLVM)
  include(AddMLIR)

  # Everything that compiles against MLIR: the two shared libraries and nothing else, by design.
  add_library(cornet_mlir INTERFACE)
  target_include_directories(cornet_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_include_directories(cornet_mlir INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
  target_link_libraries(cornet_mlir INTERFACE MLIR LLVM)
  target_compile_definitions(cornet_mlir INTERFACE CORNET_VERSION="${PROJECT_VERSION}")
  target_compile_options(cornet_mlir INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
    $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endif()

# The precompiled header of compiler code: upstream MLIR only, so it is built once.
set(_CORNET_PCH "<mlir/Dialect/Func/IR/FuncOps.h>" "<mlir/IR/BuiltinOps.h>" "<mlir/IR/PatternMatch.h>"
  "<mlir/Interfaces/InferTypeOpInterface.h>" "<mlir/Interfaces/SideEffectInterfaces.h>" "<mlir/Pass/Pass.h>"
  "<mlir/Pass/PassManager.h>" "<mlir/Transforms/GreedyPatternRewriteDriver.h>" "<mlir/Transforms/DialectConversion.h>"
  "<mlir/Dialect/Arith/IR/Arith.h>" "<mlir/Dialect/Math/IR/Math.h>" "<mlir/Dialect/Tensor/IR/Tensor.h>"
  "<mlir/Dialect/Linalg/IR/Linalg.h>" "<mlir/Dialect/SCF/IR/SCF.h>" "<mlir/Dialect/Vector/IR/VectorOps.h>"
  "<mlir/Dialect/MemRef/IR/MemRef.h>" "<mlir/IR/DialectResourceBlobManager.h>" "<vector>" "<string>" "<functional>" "<map>")

function(_cornet_pch target)
  if(NOT TARGET cornet_pch)
    file(WRITE "${CMAKE_BINARY_DIR}/pch/Pch.cpp.in" "")
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/pch/Pch.cpp" CONTENT "// the precompiled header's translation unit\n")
    add_library(cornet_pch OBJECT "${CMAKE_BINARY_DIR}/pch/Pch.cpp")
    target_link_libraries(cornet_pch PRIVATE cornet_mlir)
    target_precompile_headers(cornet_pch PRIVATE ${_CORNET_PCH})
  endif()
  target_precompile_headers(${target} REUSE_FROM cornet_pch)
endfunction()

# cornet_compiler_part(NAME [LINK lib...] [SKIP subfolder...])
function(cornet_compiler_part name)
  cmake_parse_arguments(A "" "" "LINK;SKIP" ${ARGN})
  _cornet_sources(files ${A_SKIP})
  add_library(${name} OBJECT ${files})
  target_link_libraries(${name} PUBLIC cornet_mlir ${A_LINK})
  _cornet_pch(${name})
  if(TARGET cornet_generated)
    add_dependencies(${name} cornet_generated)
  endif()
  set_property(GLOBAL APPEND PROPERTY CORNET_COMPILER_PARTS ${name})
endfunction()

# libCornetCompiler.so: every compiler part in one shared library, so that plug-ins find one copy of it.
function(cornet_compiler_library)
  get_property(parts GLOBAL PROPERTY CORNET_COMPILER_PARTS)
  add_library(CornetCompiler SHARED)
  foreach(part ${parts})
    target_sources(CornetCompiler PRIVATE $<TARGET_OBJECTS:${part}>)
    get_target_property(libs ${part} LINK_LIBRARIES)
    target_link_libraries(CornetCompiler PUBLIC ${libs})
  endforeach()
  set_target_properties(CornetCompiler PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

# cornet_tablegen(FILE.td -gen-op-decls:FILE.h.inc -gen-op-defs:FILE.cpp.inc ...)
# Generated files land in the build folder under the source folder's own path, so they are included
# as "ir/Ops/Pointwise.h.inc". Every compiler part waits for all of them.
function(cornet_tablegen td)
  file(RELATIVE_PATH here "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  file(GLOB_RECURSE tds CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/ir/*.td" "${CMAKE_SOURCE_DIR}/passes/*.td" "${CMAKE_SOURCE_DIR}/codegen/*.td")
  if(NOT TARGET cornet_generated)
    add_custom_target(cornet_generated)
  endif()
  foreach(pair ${ARGN})
    string(REGEX REPLACE "^(.*):([^:]*)$" "\\1" actions "${pair}")
    string(REGEX REPLACE "^(.*):([^:]*)$" "\\2" file "${pair}")
    separate_arguments(actions)
    set(out "${CMAKE_CURRENT_BINARY_DIR}/${file}")
    add_custom_command(OUTPUT "${out}"
      COMMAND mlir-tblgen ${actions} "${CMAKE_CURRENT_SOURCE_DIR}/${td}" -I "${CMAKE_SOURCE_DIR}"
              -I "${MLIR_INCLUDE_DIRS}" -I "${CMAKE_CURRENT_SOURCE_DIR}" -o "${out}"
      DEPENDS ${tds} VERBATIM COMMENT "TableGen ${here}/${file}")
    string(MAKE_C_IDENTIFIER "gen_${here}_${file}" gen)
    add_custom_target(${gen} DEPENDS "${out}")
    add_dependencies(cornet_generated ${gen})
  endforeach()
endfunction()

# cornet_tool(NAME [LINK lib...])
function(cornet_tool name)
  cmake_parse_arguments(A "" "" "LINK" ${ARGN})
  _cornet_sources(files)
  add_executable(${name} ${files})
  target_link_libraries(${name} PRIVATE ${A_LINK})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# cornet_tests(NAME [LINK lib...] [LABELS quick|full]) : every *.cpp of the folder in one GoogleTest program.
function(cornet_tests name)
  cmake_parse_arguments(A "" "LABELS" "LINK" ${ARGN})
  if(NOT CMAKE_CROSSCOMPILING)
    find_package(GTest REQUIRED)
  elseif(NOT TARGET GTest::gtest) # the package has this machine's libraries, and the sources
    add_subdirectory(/usr/src/googletest "${CMAKE_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
    foreach(library gtest gtest_main gmock)
      target_compile_options(${library} PRIVATE -w)
      if(NOT TARGET GTest::${library})
        add_library(GTest::${library} ALIAS ${library})
      endif()
    endforeach()
  endif()
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  add_executable(${name} ${files})
  target_link_libraries(${name} PRIVATE GTest::gtest GTest::gmock GTest::gtest_main ${A_LINK})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_compile_definitions(${name} PRIVATE CORNET_SOURCE_DIR="${CMAKE_SOURCE_DIR}" CORNET_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT A_LABELS)
    set(A_LABELS quick)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${A_LABELS})
endfunction()
